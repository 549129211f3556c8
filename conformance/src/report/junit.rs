//! The `JUnit` XML report.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::visible;
use crate::expected::{ExpectedFailures, Standing};
use crate::verdict::{Judgement, Verdict};

/// Returns `JUnit` XML with a suite for each testee.
///
/// # Errors
/// Returns the serializer's message.
pub fn junit(
    judgements: &[Judgement],
    expected: &BTreeMap<String, ExpectedFailures>,
) -> Result<String, String> {
    let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
    let none = ExpectedFailures::default();
    for judgement in judgements {
        let expected = expected.get(&judgement.testee).unwrap_or(&none);
        let standing = expected.standing(judgement);
        let mut status = match (standing, judgement.verdict) {
            (Standing::Expected(_), _)
            | (Standing::Fine, Verdict::Unimplemented | Verdict::Differs) => {
                TestCaseStatus::skipped()
            }
            (Standing::UnexpectedPass, _)
            | (_, Verdict::Fail)
            | (Standing::Unexpected, Verdict::Warn) => {
                TestCaseStatus::non_success(NonSuccessKind::Failure)
            }
            (_, Verdict::Crashed | Verdict::Silent | Verdict::Error) => {
                TestCaseStatus::non_success(NonSuccessKind::Error)
            }
            _ => TestCaseStatus::success(),
        };
        let message = match standing {
            Standing::Expected(reason) => format!("expected: {reason}"),
            Standing::UnexpectedPass => {
                "passes unexpectedly; remove it from the expected failures".to_owned()
            }
            _ if judgement.verdict == Verdict::Pass => String::new(),
            _ => match expected.hint(judgement) {
                Some(hint) => format!("{}\n  listed:   {hint}", judgement.explained()),
                None => judgement.explained(),
            },
        };
        if !message.is_empty() {
            status.set_message(visible(&message));
        }
        if !judgement.conversation.is_empty() {
            status.set_description(visible(&judgement.conversation));
        }
        let mut case = TestCase::new(visible(&judgement.case), status);
        let class = format!("{}.{}", judgement.testee, judgement.area);
        case.set_classname(visible(&class));
        let suite = suites
            .entry(&judgement.testee)
            .or_insert_with(|| TestSuite::new(visible(&judgement.testee)));
        suite.add_test_case(case);
    }
    let mut report = Report::new("atlas-conformance");
    report.add_test_suites(suites.into_values());
    report.to_string().map_err(|error| error.to_string())
}
