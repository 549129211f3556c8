//! The fidelity score of servers: the share of recorded facts of Atlas that hold.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::table_text;
use crate::verdict::{Judgement, Verdict};

/// Returns the fidelity score of each server as a Markdown table: the share of passed cases among
/// those with a `recorded` source, by the tag of the operation under test, and in total. Cases that
/// were not judged count as not passed. The text is empty if there is no such case of a server.
///
/// A server that implements nothing of the API has a score of 0 %, one that behaves like Atlas
/// 100 %.
pub fn fidelity(judgements: &[Judgement]) -> String {
    let scores = Scores::of(judgements);
    if scores.servers.is_empty() {
        return String::new();
    }
    let mut table = String::new();
    let servers: Vec<String> = scores
        .servers
        .iter()
        .map(|server| table_text(server))
        .collect();
    let _ = writeln!(table, "| recorded facts | {} |", servers.join(" | "));
    let _ = writeln!(table, "| --- |{}", " --- |".repeat(scores.servers.len()));
    for (tag, shares) in scores.rows() {
        let shares: Vec<String> = shares.iter().map(Share::shown).collect();
        let _ = writeln!(table, "| {} | {} |", table_text(tag), shares.join(" | "));
    }
    table
}

/// Shares by tag and server.
pub(super) struct Scores<'a> {
    /// The names of the servers.
    pub(super) servers: Vec<&'a str>,
    cells: BTreeMap<&'a str, BTreeMap<&'a str, Share>>,
}

impl<'a> Scores<'a> {
    pub(super) fn of(judgements: &'a [Judgement]) -> Self {
        let mut servers = Vec::new();
        let mut cells: BTreeMap<&str, BTreeMap<&str, Share>> = BTreeMap::new();
        for judgement in judgements.iter().filter(|it| is_recorded(it)) {
            let server = judgement.testee.as_str();
            if !servers.contains(&server) {
                servers.push(server);
            }
            let tag = judgement.tag.as_deref().unwrap_or_default();
            let share = cells.entry(tag).or_default().entry(server).or_default();
            share.all += 1;
            share.holds += usize::from(judgement.verdict == Verdict::Pass);
        }
        Self { servers, cells }
    }

    /// Returns each tag with the share of each server; the last row is the total.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&str, Vec<Share>)> {
        let share = |row: &BTreeMap<&str, Share>, server: &&str| {
            row.get(*server).copied().unwrap_or_default()
        };
        let tags = self.cells.iter().map(move |(tag, row)| {
            let shares = self.servers.iter().map(|server| share(row, server));
            (*tag, shares.collect())
        });
        let sums = self.servers.iter().map(move |server| {
            let of_server = self.cells.values().map(|row| share(row, server));
            of_server.fold(Share::default(), |sum, more| Share {
                holds: sum.holds + more.holds,
                all: sum.all + more.all,
            })
        });
        tags.chain([("all", sums.collect())])
    }
}

/// Whether a judgement is about a recorded fact and a server.
fn is_recorded(judgement: &Judgement) -> bool {
    let mut parts = judgement.source.split("; ");
    judgement.tag.is_some() && parts.any(|part| part.starts_with("recorded: "))
}

/// The number of facts, and of those that hold.
#[derive(Clone, Copy, Default)]
pub(super) struct Share {
    holds: usize,
    all: usize,
}

impl Share {
    /// Returns a text such as `3/4 (75 %)`, rounded down so that 100 % means all.
    pub(super) fn shown(&self) -> String {
        let Self { holds, all } = self;
        match (holds * 100).checked_div(*all) {
            Some(percent) => format!("{holds}/{all} ({percent} %)"),
            None => "–".to_owned(),
        }
    }

    /// Whether every fact holds.
    pub(super) fn is_whole(&self) -> bool {
        self.holds == self.all
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::case::Case;

    fn judgement(testee: &str, operation: &str, source: &str, verdict: Verdict) -> Judgement {
        let case = json!({
            "id": "a/b", "area": "a", "level": "SHOULD", "since": null, "requires": "", "source": source,
            "flow": {"steps": [{"advance": 1}, {"request": {"operation": operation}}]},
        });
        let case: Case = serde_json::from_value(case).unwrap();
        Judgement::without(testee, &case, verdict, String::new())
    }

    #[test]
    fn the_score_is_the_share_of_recorded_facts_that_pass() {
        let recorded = "facts: x; recorded: y";
        let table = fidelity(&[
            judgement("one", "getGroup", recorded, Verdict::Pass),
            judgement("one", "createGroup", recorded, Verdict::Warn),
            judgement("one", "getGroup", recorded, Verdict::Unimplemented),
            judgement("one", "getGroup", "facts: x", Verdict::Fail),
            judgement("one", "getOrgTeam", recorded, Verdict::Pass),
            judgement("two", "getOrgTeam", recorded, Verdict::Fail),
        ]);
        let expected = "\
            | recorded facts | one | two |\n\
            | --- | --- | --- |\n\
            | Projects | 1/3 (33 %) | – |\n\
            | Teams | 1/1 (100 %) | 0/1 (0 %) |\n\
            | all | 2/4 (50 %) | 0/1 (0 %) |\n";
        assert_eq!(table, expected);
    }

    #[test]
    fn the_page_has_the_score_as_well() {
        let judged = judgement("<one>", "getGroup", "recorded: x", Verdict::Pass);
        let page = super::super::html(&[judged], &BTreeMap::new());
        assert!(page.contains("Fidelity to recorded responses"), "{page}");
        assert!(
            page.contains("<th scope=\"col\">&lt;one&gt;</th>"),
            "{page}"
        );
        assert!(
            page.contains("<td class=\"pass\">1/1 (100 %)</td>"),
            "{page}"
        );
    }

    #[test]
    fn a_client_has_no_score() {
        let mut judged = judgement("one", "getGroup", "recorded: x", Verdict::Pass);
        judged.tag = None;
        assert_eq!(fidelity(&[judged]), "");
        assert_eq!(fidelity(&[]), "");
    }

    #[test]
    fn a_score_of_all_but_one_is_not_whole() {
        let share = Share {
            holds: 999,
            all: 1000,
        };
        assert_eq!(share.shown(), "999/1000 (99 %)");
    }
}
