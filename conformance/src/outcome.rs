//! Output, reports and exit code of a run.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use atlas_conformance::{ExpectedFailures, Judgement, Standing, Verdict, report as reports};

use crate::options::RunOptions;
use crate::{indented, print};

/// Prints the result and writes the reports. The exit code is 1 if a case failed unexpectedly, or
/// passed although its failure is expected.
pub(crate) fn report(
    run: &RunOptions,
    judgements: &[Judgement],
) -> Result<ExitCode, Box<dyn Error>> {
    let mut expected: BTreeMap<String, ExpectedFailures> = BTreeMap::new();
    for judgement in judgements {
        let name = &judgement.testee;
        if !expected.contains_key(name) {
            expected.insert(name.clone(), run.expected_failures(name)?);
        }
    }
    let mut surprises = 0;
    for judgement in judgements {
        let listed = &expected[&judgement.testee];
        let standing = listed.standing(judgement);
        let asked_for = !run.selection.ids.is_empty() && judgement.verdict != Verdict::Pass;
        match standing {
            Standing::UnexpectedPass => {
                let (testee, case) = (&judgement.testee, &judgement.case);
                let verdict = judgement.verdict;
                let case = indented(case);
                print(&format!(
                    "\n{verdict} {testee} {case}, which is expected to fail"
                ));
            }
            _ if standing.breaks() || asked_for || judgement.verdict == Verdict::Warn => {
                print(&format!("\n{}", judgement.explained()));
                if let Some(hint) = listed.hint(judgement) {
                    print(&format!("  listed:   {hint}"));
                }
            }
            _ => continue,
        }
        surprises += usize::from(standing.breaks());
        if standing.breaks() || asked_for {
            for line in judgement.conversation.lines() {
                print(&format!("    {line}"));
            }
        }
    }
    for (name, expected) in &expected {
        for case in expected.unknown(&run.selection.all()?) {
            surprises += 1;
            print(&format!(
                "unknown case {case:?} in the expected failures of {name}; remove it"
            ));
        }
    }
    let matrix = reports::markdown(judgements);
    print(&format!("\n{matrix}"));
    let fidelity = reports::fidelity(judgements);
    if !fidelity.is_empty() {
        print(&fidelity);
    }
    print(&summary(judgements, surprises));
    if let Some(seed) = run.selection.seed {
        print(&format!("shuffled with --seed {seed}"));
    }
    write(run.markdown.as_deref(), || {
        let tables = [matrix, fidelity].into_iter().filter(|it| !it.is_empty());
        Ok(tables.collect::<Vec<_>>().join("\n"))
    })?;
    write(run.html.as_deref(), || {
        Ok(reports::html(judgements, &expected))
    })?;
    write(run.junit.as_deref(), || {
        Ok(reports::junit(judgements, &expected)?)
    })?;
    write(run.jsonl.as_deref(), || Ok(reports::json_lines(judgements)))?;
    let is_judged = |judgement: &Judgement| judgement.verdict != Verdict::Unimplemented;
    if !judgements.iter().any(is_judged) {
        let mut reasons = judgements.iter().map(|it| it.reason.as_str());
        let reason = reasons.find(|reason| !reason.is_empty());
        let reason = reason.unwrap_or("the testee does not implement any of them");
        return Err(format!("no case could be judged: {reason}").into());
    }
    Ok(ExitCode::from(u8::from(surprises > 0)))
}

fn summary(judgements: &[Judgement], surprises: usize) -> String {
    let count = |verdict: Verdict| judgements.iter().filter(|it| it.verdict == verdict).count();
    let passed = count(Verdict::Pass);
    let unimplemented = count(Verdict::Unimplemented);
    let judged = judgements.len() - unimplemented;
    let mut summary = format!("{passed} of {judged} cases passed");
    for (verdict, words) in [
        (Verdict::Fail, "failed"),
        (Verdict::Warn, "warned"),
        (Verdict::Differs, "differ as allowed"),
        (Verdict::Crashed, "crashed"),
        (Verdict::Silent, "silent"),
        (Verdict::Error, "not run"),
    ] {
        if count(verdict) > 0 {
            summary = format!("{summary}, {} {words}", count(verdict));
        }
    }
    format!("{summary}; {surprises} not as expected; {unimplemented} not implemented")
}

fn write(
    path: Option<&Path>,
    text: impl FnOnce() -> Result<String, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let Some(path) = path else { return Ok(()) };
    let failed = |error: std::io::Error| format!("cannot write {}: {error}", path.display());
    std::fs::write(path, text()?).map_err(failed)?;
    Ok(())
}
