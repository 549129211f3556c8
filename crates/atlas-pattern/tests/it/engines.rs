//! Members and near-misses of every enforced pattern, compared with two regex engines.

use atlas_pattern::Pattern;
use proptest::prelude::*;
use proptest::string::string_regex;
use proptest::test_runner::TestRunner;
use regex::Regex;

use crate::regex;

/// An ASCII member of each enforced pattern.
const MEMBERS: [(&str, &str); 8] = [
    ("^([0-9]*/)?sg-([0-9]*)", "123456789012/sg-0123456789"),
    ("^([A-Z]{2})$", "DE"),
    ("^([a-f0-9]{24})$", "32b6e34b3d91647abb20e7b8"),
    (
        "^([a-fA-F0-9]{64})$",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15B0F00A08",
    ),
    ("^[0-9]{12}$", "012345678901"),
    (r"^[\p{L}\p{N}\-_.,' ]*$", "Backup, the second's job"),
    ("^[a-zA-Z0-9][a-zA-Z0-9-]*$", "my-cluster-07"),
    (
        r"^mdb_sa_id_[a-fA-F\d]{24}$",
        "mdb_sa_id_32b6e34b3d91647ABB20e7b8",
    ),
];

pub(crate) fn member(source: &str) -> &'static str {
    MEMBERS
        .iter()
        .find(|(known, _)| *known == source)
        .unwrap_or_else(|| panic!("add a member of {source} to MEMBERS"))
        .1
}

/// A pattern compiled by both engines.
struct Judges {
    regex: Regex,
    regress: regress::Regex,
    unassigned: Regex,
}

impl Judges {
    fn of(source: &str) -> Self {
        Self {
            regex: regex(source),
            regress: regress::Regex::with_flags(source, "u").unwrap(),
            unassigned: Regex::new(r"\p{Cn}").unwrap(),
        }
    }

    /// The verdict of both engines. They may differ only for characters that are unassigned in the
    /// older one's Unicode.
    fn verdict(&self, text: &str) -> bool {
        let verdict = self.regex.is_match(text);
        let other = self.regress.find(text).is_some();
        assert!(
            verdict == other || self.unassigned.is_match(text),
            "the engines differ for {text:?}"
        );
        verdict
    }
}

/// Runs a property test for each enforced pattern.
fn of_each_pattern(
    cases: u32,
    texts: impl Fn(&str) -> BoxedStrategy<String>,
    judge: impl Fn(&str, bool),
) {
    for pattern in Pattern::all() {
        let source = pattern.source();
        let judges = Judges::of(source);
        let config = ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::with_cases(cases)
        };
        TestRunner::new(config)
            .run(&texts(source), |text| {
                let verdict = judges.verdict(&text);
                judge(source, verdict);
                prop_assert_eq!(pattern.is_match(&text), verdict, "{} {:?}", source, text);
                Ok(())
            })
            .unwrap();
    }
}

fn members(source: &str) -> BoxedStrategy<String> {
    let inside = source.trim_start_matches('^').trim_end_matches('$');
    let inside = string_regex(&inside.replace(r"\d", "[0-9]")).unwrap();
    if source.ends_with('$') {
        inside.boxed()
    } else {
        (inside, any::<String>())
            .prop_map(|(inside, rest)| inside + &rest)
            .boxed()
    }
}

/// Members with one to three characters inserted, removed or replaced.
fn near_misses(source: &str) -> BoxedStrategy<String> {
    let odd = prop_oneof![
        any::<char>(),
        prop::char::range(' ', '~'),
        prop::sample::select(vec![
            '\n', '\r', '\0', '/', '%', '-', '\u{301}', 'é', 'A', 'ａ', '٣', '３', '\u{2028}'
        ]),
    ];
    let change = (any::<prop::sample::Index>(), odd, 0..3_u8);
    (members(source), prop::collection::vec(change, 1..4))
        .prop_map(|(text, changes)| {
            let mut characters: Vec<char> = text.chars().collect();
            for (at, odd, kind) in changes {
                let at = at.index(characters.len() + 1);
                match kind {
                    0 => characters.insert(at, odd),
                    1 if at < characters.len() => characters[at] = odd,
                    _ if at < characters.len() => {
                        characters.remove(at);
                    }
                    _ => characters.push(odd),
                }
            }
            characters.into_iter().collect()
        })
        .boxed()
}

#[test]
fn every_enforced_pattern_accepts_its_members() {
    of_each_pattern(1024, members, |source, verdict| {
        assert!(verdict, "a member of {source} was not generated");
    });
}

#[test]
fn every_enforced_pattern_judges_near_misses_as_both_engines_do() {
    of_each_pattern(4096, near_misses, |_, _| {});
}

#[test]
fn every_enforced_pattern_judges_any_text_as_both_engines_do() {
    of_each_pattern(1024, |_| any::<String>().boxed(), |_, _| {});
}

#[test]
fn every_enforced_pattern_judges_every_ascii_character_at_every_place_as_both_engines_do() {
    for pattern in Pattern::all() {
        let judges = Judges::of(pattern.source());
        let member = member(pattern.source());
        assert!(pattern.is_match(member), "{pattern} {member}");
        for at in 0..=member.len() {
            let shorter = &member[..at];
            assert_eq!(
                pattern.is_match(shorter),
                judges.verdict(shorter),
                "{shorter:?}"
            );
            for character in (0..128).map(char::from).chain(['é', '\u{85}', '٣', '😀']) {
                let mut replaced: Vec<char> = member.chars().collect();
                replaced.splice(at..(at + 1).min(member.len()), [character]);
                let mut inserted: Vec<char> = member.chars().collect();
                inserted.insert(at, character);
                for text in [replaced, inserted] {
                    let text = String::from_iter(text);
                    assert_eq!(
                        pattern.is_match(&text),
                        judges.verdict(&text),
                        "{pattern} {text:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_newline_after_a_member_is_refused_where_the_pattern_has_an_end() {
    for pattern in Pattern::all() {
        let text = format!("{}\n", member(pattern.source()));
        let ends = pattern.source().ends_with('$');
        assert_eq!(pattern.is_match(&text), !ends, "{pattern}");
    }
}

#[test]
fn a_megabyte_is_judged_as_the_regex_crate_judges_it() {
    for pattern in Pattern::all() {
        let regex = regex(pattern.source());
        for character in ['0', 'a', '-', 'é', '\0'] {
            let text: String = std::iter::repeat_n(character, 1 << 20).collect();
            assert_eq!(pattern.is_match(&text), regex.is_match(&text), "{pattern}");
        }
    }
}
