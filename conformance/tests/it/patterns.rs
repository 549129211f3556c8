//! Property tests of the documented patterns against two independent regex engines.

use atlas_catalog::route;
use atlas_model::shared::TenantRestore;
use atlas_model::shared_tier_snapshots::DownloadClusterBackupTenant;
use atlas_model::{
    CallOptions, ClusterName, DeploymentItemName, OperationExt, PatternFault, Patterned, ProjectId,
    SnapshotId,
};
use proptest::prelude::*;
use proptest::string::string_regex;
use regex::Regex;

/// A documented pattern, compiled by both engines.
struct Judges {
    regex: Regex,
    regress: regress::Regex,
    unassigned: Regex,
}

impl Judges {
    fn of<T: Patterned>() -> Self {
        Self {
            regex: Regex::new(T::PATTERN).unwrap(),
            regress: regress::Regex::with_flags(T::PATTERN, "u").unwrap(),
            unassigned: Regex::new(r"\p{Cn}").unwrap(),
        }
    }

    /// Returns the verdict. The engines may differ only for characters that are not assigned in the
    /// Unicode version of the older one.
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

fn check<T: Patterned>(judges: &Judges, text: &str) -> Result<(), TestCaseError> {
    let parsed = T::parse_field("field", text);
    prop_assert_eq!(parsed.is_ok(), judges.verdict(text), "{:?}", text);
    match parsed {
        Ok(value) => prop_assert_eq!(value.to_string(), text),
        Err(error) => match error.fault() {
            PatternFault::Character { found, position } => {
                prop_assert_eq!(text.chars().nth(position - 1), Some(found));
            }
            PatternFault::TooLong { maximum, found } => {
                prop_assert_eq!(text.chars().nth(maximum), Some(found));
            }
            PatternFault::TooShort { length, minimum } => {
                prop_assert_eq!(text.chars().count(), length);
                prop_assert!(length < minimum);
            }
            other => prop_assert!(false, "{:?}", other),
        },
    }
    Ok(())
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(2048)
    }
}

/// Runs a property, compiling the pattern once.
fn property<T: Patterned>(texts: impl Strategy<Value = String>) {
    let judges = Judges::of::<T>();
    proptest::test_runner::TestRunner::new(config())
        .run(&texts, |text| check::<T>(&judges, &text))
        .unwrap();
}

/// Inserts, removes or replaces one character of a text.
fn mutated(texts: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let character = prop_oneof![
        any::<char>(),
        prop::char::range(' ', '~'),
        prop::sample::select(vec![
            '\n', '\r', '\0', '/', '%', '?', '\u{301}', 'é', 'A', 'ａ'
        ]),
    ];
    (texts, any::<prop::sample::Index>(), character, 0..3_u8).prop_map(|(text, at, new, kind)| {
        let mut characters: Vec<char> = text.chars().collect();
        let at = at.index(characters.len() + 1);
        match kind {
            0 => characters.insert(at, new),
            1 if at < characters.len() => characters[at] = new,
            _ if at < characters.len() => {
                characters.remove(at);
            }
            _ => characters.push(new),
        }
        characters.into_iter().collect()
    })
}

/// Returns texts of selected lengths from an alphabet.
fn lengths(alphabet: &'static str) -> impl Strategy<Value = String> {
    let letters = string_regex(alphabet).unwrap();
    let length = prop::sample::select(vec![0_usize, 1, 2, 23, 24, 25, 63, 64, 65, 1000]);
    (prop::collection::vec(letters, 1000), length)
        .prop_map(|(letters, length)| letters.into_iter().take(length).collect())
}

fn ids() -> impl Strategy<Value = String> {
    string_regex("[a-f0-9]{24}").unwrap()
}

fn cluster_names() -> impl Strategy<Value = String> {
    string_regex("[a-zA-Z0-9][a-zA-Z0-9-]{0,70}").unwrap()
}

fn item_names() -> impl Strategy<Value = String> {
    prop_oneof![
        string_regex(r"[\p{L}\p{N}\-_.(),:&@+']{1,64}").unwrap(),
        string_regex("[a-zA-Z0-9_.(),:&@+'-]{1,64}").unwrap(),
    ]
}

#[test]
fn an_id_is_valid_if_it_matches_its_pattern() {
    property::<ProjectId>(ids());
    property::<ProjectId>(mutated(ids()));
    property::<ProjectId>(lengths("[a-f0-9]"));
    property::<ProjectId>(lengths("[A-Fa-f0-9]"));
}

#[test]
fn a_cluster_name_is_valid_if_it_matches_its_pattern() {
    property::<ClusterName>(cluster_names());
    property::<ClusterName>(mutated(cluster_names()));
    property::<ClusterName>(lengths("[a-zA-Z0-9-]"));
    property::<ClusterName>(any::<String>());
}

#[test]
fn a_deployment_item_name_is_valid_if_it_matches_its_pattern() {
    property::<DeploymentItemName>(item_names());
    property::<DeploymentItemName>(mutated(item_names()));
    property::<DeploymentItemName>(lengths("[a-zA-Z0-9_.(),:&@+'-]"));
    property::<DeploymentItemName>(lengths(r"[\p{L}\p{N}]"));
    property::<DeploymentItemName>(lengths("[\u{20000}-\u{2a6df}]"));
    property::<DeploymentItemName>(lengths(r"[\p{L}\p{M}\p{So}]"));
    property::<DeploymentItemName>(any::<String>());
}

#[test]
fn the_two_engines_agree_with_the_matcher_on_every_assigned_character() {
    let judges = Judges::of::<DeploymentItemName>();
    let mut accepted = 0_u32;
    for character in '\0'..=char::MAX {
        let text = String::from(character);
        let verdict = judges.verdict(&text);
        assert_eq!(
            DeploymentItemName::parse(&text).is_ok(),
            verdict,
            "{text:?}"
        );
        accepted += u32::from(verdict);
    }
    assert!(accepted > 140_000, "{accepted}");
}

#[test]
fn both_engines_agree_on_the_cases_of_every_pattern() {
    fn cases<T: Patterned>(field: &str) {
        let fixture = atlas_conformance::pattern(field).unwrap();
        assert_eq!(fixture.pattern, T::PATTERN);
        let judges = Judges::of::<T>();
        for (texts, expected) in [(&fixture.accept, true), (&fixture.refuse, false)] {
            for text in texts {
                assert_eq!(judges.verdict(text), expected, "{text:?}");
                assert_eq!(T::parse_field("field", text).is_ok(), expected, "{text:?}");
            }
        }
    }
    cases::<ProjectId>("id");
    cases::<ClusterName>("clusterName");
    cases::<DeploymentItemName>("targetDeploymentItemName");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_valid_call_is_sent_without_loss(
        project in ids(),
        cluster in cluster_names(),
        snapshot in ids(),
        target in item_names(),
        target_project in prop::option::of(ids()),
        envelope in any::<bool>(),
        pretty in any::<bool>(),
    ) {
        let mut body = TenantRestore::new(
            SnapshotId::parse(&snapshot).unwrap(),
            DeploymentItemName::parse(&target).unwrap(),
        );
        body.target_project_id = target_project.map(|id| ProjectId::parse(&id).unwrap());
        let operation = DownloadClusterBackupTenant::new(
            ProjectId::parse(&project).unwrap(),
            ClusterName::parse(&cluster).unwrap(),
            body.clone(),
        );
        let options = CallOptions {
            version: Some("2025-02-19".parse().unwrap()),
            envelope,
            pretty,
        };
        let request = operation.to_request(&options).unwrap();
        let found = route(request.method(), request.uri().path()).unwrap();
        prop_assert_eq!(found.operation.id(), "downloadGroupClusterBackupTenant");
        prop_assert_eq!(found.parameters, [("groupId", project), ("clusterName", cluster)]);
        let query: Vec<&str> = request.uri().query().into_iter().flat_map(|it| it.split('&')).collect();
        let mut asked = Vec::new();
        asked.extend(envelope.then_some("envelope=true"));
        asked.extend(pretty.then_some("pretty=true"));
        prop_assert_eq!(query, asked);
        prop_assert_eq!(&request.headers()["accept"], "application/vnd.atlas.2025-02-19+json");
        let json = serde_json::from_slice(request.body()).unwrap();
        let version = found.operation.version(None).unwrap();
        prop_assert_eq!(found.operation.check_request(version, Some(&json)), []);
        let read: TenantRestore = serde_json::from_value(json).unwrap();
        prop_assert_eq!(read, body);
    }

    #[test]
    fn any_bytes_as_a_response_are_read_or_refused_in_one_line(
        status in 100_u16..1000,
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            string_regex(r#"[{}\[\]":,a-z0-9 ]{0,60}"#).unwrap().prop_map(String::into_bytes),
        ],
        envelope in any::<bool>(),
    ) {
        let options = CallOptions { envelope, ..CallOptions::default() };
        let response = http::Response::builder().status(status).body(body.into()).unwrap();
        if let Err(error) = DownloadClusterBackupTenant::from_response(response, &options) {
            prop_assert_eq!(error.to_string().lines().count(), 1);
        }
    }
}
