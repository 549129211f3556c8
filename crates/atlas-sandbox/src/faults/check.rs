//! Refuses rules that cannot act.

use std::collections::BTreeSet;

use atlas_model::OPERATIONS;

use super::names::{operation_id, similar};
use super::{Fault, FaultPlanError, Rule};
use crate::control;
use crate::object_store;

/// How many rules a plan may have.
pub(super) const MAX_RULES: usize = 1000;
/// The longest delay, in milliseconds.
const MAX_DELAY: u64 = 3_600_000;
/// The highest rate, in bytes a second.
const MAX_RATE: u64 = 1_000_000_000;
/// The longest path and error code.
const MAX_TEXT: usize = 2000;

/// Checks the rules of a plan, and spells their operations with today's ids.
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
        path(start, rule.operation.as_deref())?;
    }
    if let Some(nth) = &rule.nth {
        rule.acts_on = numbers(nth)?;
    }
    fault(&rule.r#do)
}

fn operation(name: &str) -> Result<&'static str, String> {
    operation_id(name).ok_or_else(|| {
        let hint = match similar(name) {
            Some(similar) => format!("did you mean {similar:?}?"),
            None => "expected an operationId, such as \"getGroupFlexCluster\"".to_owned(),
        };
        format!("no such operation {:?}; {hint}", shortened(name))
    })
}

/// Checks that a request can have a path that begins like this, and that the operation has it.
fn path(start: &str, operation: Option<&str>) -> Result<(), String> {
    let shown = shortened(start);
    if !start.starts_with('/') {
        return Err(format!("invalid path {shown:?}: expected a leading slash"));
    }
    if start.len() > MAX_TEXT {
        return Err(format!(
            "invalid path {shown:?}: expected at most {MAX_TEXT} bytes"
        ));
    }
    if let Some(odd) = start.chars().find(|it| !it.is_ascii_graphic()) {
        return Err(format!(
            "invalid path {shown:?}: expected {odd:?} percent-encoded, as requests have it"
        ));
    }
    if start.contains(['?', '#']) {
        return Err(format!(
            "invalid path {shown:?}: expected a path without a query or fragment"
        ));
    }
    if start.starts_with(control::PREFIX) {
        return Err(format!(
            "invalid path {shown:?}: control requests have no faults"
        ));
    }
    if let Some(id) = operation {
        let mut templates = templates(Some(id));
        if !templates.any(|template| can_begin(template, start)) {
            return Err(format!("no request of {id} has a path like {shown:?}"));
        }
        return Ok(());
    }
    let served = OTHER_PATHS.iter().any(|path| path.starts_with(start))
        || start.starts_with(object_store::PREFIX)
        || templates(None).any(|template| can_begin(template, start));
    if served {
        return Ok(());
    }
    Err(format!(
        "invalid path {shown:?}: neither an operation nor the token endpoint nor a file has it"
    ))
}

/// What is answered beside the operations.
const OTHER_PATHS: [&str; 4] = [
    "/",
    "/api/oauth/token",
    "/api/oauth/revoke",
    object_store::PREFIX,
];

fn templates(id: Option<&str>) -> impl Iterator<Item = &'static str> {
    let operations = OPERATIONS.iter().map(|operation| operation.meta);
    operations
        .filter(move |meta| id.is_none_or(|id| meta.id == id))
        .map(|meta| meta.path)
}

/// Whether a path made from a template can begin with a text.
fn can_begin(template: &str, start: &str) -> bool {
    let (mut template, mut start) = (template.split('/'), start.split('/').peekable());
    while let Some(given) = start.next() {
        let Some(wanted) = template.next() else {
            return false;
        };
        let last = start.peek().is_none();
        let fits = match wanted.split_once('{') {
            None if last => wanted.starts_with(given),
            None => wanted == given,
            Some(_) if last && given.is_empty() => true,
            Some((literal, _)) if last && given.len() <= literal.len() => {
                literal.starts_with(given)
            }
            Some((literal, _)) => given.len() > literal.len() && given.starts_with(literal),
        };
        if !fits {
            return false;
        }
    }
    true
}

fn numbers(nth: &[u64]) -> Result<BTreeSet<u64>, String> {
    if nth.is_empty() {
        return Err("nth is empty: list request numbers, or leave it out for all".to_owned());
    }
    let mut numbers = BTreeSet::new();
    for number in nth {
        if *number == 0 {
            return Err("invalid nth 0: requests are counted from 1".to_owned());
        }
        if !numbers.insert(*number) {
            return Err(format!("nth lists {number} twice"));
        }
    }
    Ok(numbers)
}

fn fault(fault: &Fault) -> Result<(), String> {
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
        Fault::DelayMs(0) => Err("invalid delayMs 0: it changes nothing".to_owned()),
        Fault::DelayMs(delay) if *delay > MAX_DELAY => Err(format!(
            "invalid delayMs {delay}: expected at most {MAX_DELAY}, one hour"
        )),
        Fault::Slow(rate) if !(1..=MAX_RATE).contains(rate) => Err(format!(
            "invalid slow {rate}: expected 1 to {MAX_RATE} bytes a second"
        )),
        _ => Ok(()),
    }
}

/// Refuses a rule if an earlier one decides about every request that it matches.
fn reachable(before: &[Rule], rule: &Rule) -> Result<(), String> {
    let covers = |earlier: &Rule| {
        let every_time = earlier.nth.is_none();
        let every_operation = earlier.operation.is_none() || earlier.operation == rule.operation;
        let every_path = earlier.path.as_ref().is_none_or(|start| {
            let own = rule.path.as_ref().is_some_and(|own| own.starts_with(start));
            let all_of_operation = rule.operation.is_some()
                && templates(rule.operation.as_deref()).all(|template| {
                    let (literal, _) = template.split_once('{').unwrap_or((template, ""));
                    literal.starts_with(start)
                });
            own || all_of_operation
        });
        every_time && every_operation && every_path
    };
    match before.iter().position(covers) {
        None => Ok(()),
        Some(index) => Err(format!(
            "rule {} decides about every request that this one matches; put this one before it",
            index + 1
        )),
    }
}

/// A text that is short enough for an error.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 120;
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain(['…']).collect()
}
