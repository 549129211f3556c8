//! Judgements as a table, as `JUnit` XML, and as JSON lines.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::ledger::{Ledger, Standing};
use crate::verdict::{Judgement, Verdict};

/// A table of area by testee, in Markdown: passed of those put, failed, warned; `–` where nothing
/// could be put.
pub fn matrix(judgements: &[Judgement]) -> String {
    let mut testees: Vec<&str> = Vec::new();
    let mut cells: BTreeMap<&str, BTreeMap<&str, Count>> = BTreeMap::new();
    for judgement in judgements {
        if !testees.contains(&judgement.testee.as_str()) {
            testees.push(&judgement.testee);
        }
        for area in [judgement.area.as_str(), "~all"] {
            let row = cells.entry(area).or_default();
            let count = row.entry(&judgement.testee).or_default();
            count.add(judgement.verdict);
        }
    }
    let mut table = format!("| area | {} |\n", testees.join(" | "));
    let _ = writeln!(table, "| --- |{}", " --- |".repeat(testees.len()));
    for (area, row) in &cells {
        let area = area.trim_start_matches('~');
        let shown = testees
            .iter()
            .map(|testee| row.get(testee).map_or_else(|| "–".to_owned(), Count::shown));
        let _ = writeln!(
            table,
            "| {area} | {} |",
            shown.collect::<Vec<_>>().join(" | ")
        );
    }
    table
}

#[derive(Debug, Default)]
struct Count {
    passed: usize,
    failed: usize,
    warned: usize,
    unimplemented: usize,
    infra: usize,
}

impl Count {
    fn add(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Pass => &mut self.passed,
            Verdict::Fail => &mut self.failed,
            Verdict::Warn => &mut self.warned,
            Verdict::Unimplemented => &mut self.unimplemented,
            Verdict::InfraError => &mut self.infra,
        } += 1;
    }

    fn shown(&self) -> String {
        let put = self.passed + self.failed + self.warned + self.infra;
        if put == 0 {
            return "–".to_owned();
        }
        let mut shown = format!("{}/{put}", self.passed);
        for (number, what) in [
            (self.failed, "failed"),
            (self.warned, "warned"),
            (self.infra, "not put"),
        ] {
            if number > 0 {
                let _ = write!(shown, ", {number} {what}");
            }
        }
        shown
    }
}

/// `JUnit` XML, a suite for each testee.
///
/// # Errors
/// Says why it could not be written.
pub fn junit(
    judgements: &[Judgement],
    ledgers: &BTreeMap<String, Ledger>,
) -> Result<String, String> {
    let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
    let none = Ledger::default();
    for judgement in judgements {
        let ledger = ledgers.get(&judgement.testee).unwrap_or(&none);
        let mut status = match (ledger.standing(judgement), judgement.verdict) {
            (Standing::Known(_), _) | (_, Verdict::Unimplemented) => TestCaseStatus::skipped(),
            (Standing::UnexpectedPass, _) | (_, Verdict::Fail) => {
                TestCaseStatus::non_success(NonSuccessKind::Failure)
            }
            (_, Verdict::InfraError) => TestCaseStatus::non_success(NonSuccessKind::Error),
            _ => TestCaseStatus::success(),
        };
        let message = match ledger.standing(judgement) {
            Standing::Known(reason) => format!("known: {reason}"),
            Standing::UnexpectedPass => "passes, though it is known to fail".to_owned(),
            _ => judgement.faults.join("; "),
        };
        if !message.is_empty() {
            status.set_message(message);
        }
        if !judgement.conversation.is_empty() {
            status.set_description(&judgement.conversation);
        }
        let mut case = TestCase::new(judgement.case.as_str(), status);
        case.set_classname(format!("{}.{}", judgement.testee, judgement.area));
        let suite = suites
            .entry(&judgement.testee)
            .or_insert_with(|| TestSuite::new(judgement.testee.as_str()));
        suite.add_test_case(case);
    }
    let mut report = Report::new("atlas-conformance");
    report.add_test_suites(suites.into_values());
    report.to_string().map_err(|error| error.to_string())
}

/// One JSON object a line.
pub fn json_lines(judgements: &[Judgement]) -> String {
    let lines = judgements
        .iter()
        .filter_map(|judgement| serde_json::to_string(judgement).ok());
    lines.map(|line| line + "\n").collect()
}
