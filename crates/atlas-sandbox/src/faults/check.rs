//! Validates fault plans: rejects rules that cannot act.

use std::collections::BTreeSet;

use atlas_catalog::Operation;

use super::paths::{self, Reach, templates};
use super::{Fault, FaultPlanError, Rule};
use crate::snapshot_file::MAX_DATA;

/// The maximum number of rules of a plan.
pub(super) const MAX_RULES: usize = 1000;
/// The longest delay, in milliseconds.
const MAX_DELAY: u64 = 3_600_000;
/// The highest rate, in bytes a second.
const MAX_RATE: u64 = 1_000_000_000;
/// The maximum number in `nth`: no test sends as many requests.
const MAX_NTH: u64 = 1_000_000;
/// The maximum length of a response that is not a file, in bytes.
const MAX_ANSWER: u64 = 16 << 20;
/// The maximum length of a file, in bytes: its data and the framing.
const MAX_FILE: u64 = MAX_DATA + (MAX_DATA >> 10);
/// The longest error code.
const MAX_TEXT: usize = 2000;

/// Checks the rules of a plan, and replaces former operation ids with current ones.
pub(super) fn rules(rules: &mut [Rule]) -> Result<(), FaultPlanError> {
    if rules.len() > MAX_RULES {
        let rules = rules.len();
        return Err(FaultPlanError::TooManyRules { rules });
    }
    for index in 0..rules.len() {
        let (before, rest) = rules.split_at_mut(index);
        let checked = rule(&mut rest[0]).and_then(|()| reachable(before, &rest[0]));
        checked.map_err(|problem| FaultPlanError::Rule {
            rule: index + 1,
            problem,
        })?;
    }
    Ok(())
}

fn rule(rule: &mut Rule) -> Result<(), String> {
    if let Some(name) = &mut rule.operation {
        *name = operation(name)?.to_owned();
    }
    if let Some(start) = &rule.path {
        paths::check(start, rule.operation.as_deref())?;
    }
    if let Some(nth) = &rule.nth {
        rule.acts_on = numbers(nth)?;
    }
    let reach = paths::reach(rule.operation.as_deref(), rule.path.as_deref());
    fault(&rule.r#do, reach)
}

fn operation(name: &str) -> Result<&'static str, String> {
    Operation::find(name)
        .map(Operation::id)
        .ok_or_else(|| unknown_operation(name))
}

/// The error for an unknown operation, with a suggestion.
pub(crate) fn unknown_operation(name: &str) -> String {
    let hint = match Operation::suggest(name).as_slice() {
        [] => "expected an operationId, such as \"getGroupFlexCluster\"".to_owned(),
        [similar, ..] => format!("did you mean {similar:?}?"),
    };
    format!("no such operation {:?}; {hint}", shortened(name))
}

fn numbers(nth: &[u64]) -> Result<BTreeSet<u64>, String> {
    if nth.is_empty() {
        return Err("nth is empty: list request numbers, or omit it for all requests".to_owned());
    }
    let mut numbers = BTreeSet::new();
    for number in nth {
        if *number == 0 {
            return Err("invalid nth 0: requests are counted from 1".to_owned());
        }
        if *number > MAX_NTH {
            return Err(format!("invalid nth {number}: expected at most {MAX_NTH}"));
        }
        if !numbers.insert(*number) {
            return Err(format!("nth lists {number} twice"));
        }
    }
    Ok(numbers)
}

fn fault(fault: &Fault, reach: Reach) -> Result<(), String> {
    match fault {
        Fault::Status {
            status, error_code, ..
        } => {
            if !(200..=599).contains(status) {
                return Err(format!("invalid status {status}: expected 200 to 599"));
            }
            let Some(code) = error_code else {
                return Ok(());
            };
            let visible = code.bytes().all(|byte| byte.is_ascii_graphic());
            if code.is_empty() || code.len() > MAX_TEXT || !visible {
                return Err(format!(
                    "invalid errorCode {:?}: expected a code such as \"CLUSTER_NOT_FOUND\"",
                    shortened(code)
                ));
            }
            Ok(())
        }
        Fault::DelayMs(0) => Err("invalid delayMs 0: expected at least 1".to_owned()),
        Fault::DelayMs(delay) if *delay > MAX_DELAY => Err(format!(
            "invalid delayMs {delay}: expected at most {MAX_DELAY} (one hour)"
        )),
        Fault::Slow(rate) if !(1..=MAX_RATE).contains(rate) => Err(format!(
            "invalid slow {rate}: expected 1 to {MAX_RATE} bytes per second"
        )),
        Fault::Truncate(bytes) | Fault::Stall(bytes) => {
            let most = if reach.files { MAX_FILE } else { MAX_ANSWER };
            if *bytes <= most {
                return Ok(());
            }
            Err(format!(
                "invalid number of bytes {bytes}: expected at most {most}, the length of the \
                 longest response to such a request"
            ))
        }
        Fault::StaleNonce if !reach.operations => Err(
            "staleNonce cannot act: requests with this path have no digest; expected an operation"
                .to_owned(),
        ),
        Fault::ExpiredToken if !reach.operations && !reach.tokens => Err(
            "expiredToken cannot act: requests with this path have no token; expected an \
             operation"
                .to_owned(),
        ),
        _ => Ok(()),
    }
}

/// Rejects a rule if an earlier one matches and acts on every request that it matches.
fn reachable(before: &[Rule], rule: &Rule) -> Result<(), String> {
    let covers = |earlier: &Rule| {
        let every_time = earlier.nth.is_none();
        let every_operation = earlier.operation.is_none() || earlier.operation == rule.operation;
        let every_path = earlier.path.as_ref().is_none_or(|start| {
            let own = rule.path.as_ref().is_some_and(|own| own.starts_with(start));
            let all_of_operation = rule.operation.is_some()
                && templates(rule.operation.as_deref()).all(|template| {
                    let (literal, _) = template.split_once('{').unwrap_or((&template, ""));
                    literal.starts_with(start)
                });
            own || all_of_operation
        });
        every_time && every_operation && every_path
    };
    match before.iter().position(covers) {
        None => Ok(()),
        Some(index) => Err(format!(
            "rule {} decides about every request that this one matches; move this one before it",
            index + 1
        )),
    }
}

/// The text, shortened for an error.
pub(crate) fn shortened(text: &str) -> String {
    const SHOWN: usize = 120;
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain(['…']).collect()
}
