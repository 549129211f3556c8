//! Runs every client case against the client of this workspace, one test a case:
//! `cargo test -p atlas-conformance --test cases -- digest/stale`.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

mod adapter;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for area in ["digest", "oauth"] {
        for case in atlas_conformance::cases(area).unwrap() {
            let Some(client) = case.client else { continue };
            trials.push(Trial::test(case.id, move || {
                let seen = adapter::run(&client)?;
                let faults = atlas_conformance::judge(&client, &seen);
                if faults.is_empty() {
                    Ok(())
                } else {
                    Err(format!("{}\nseen: {seen:#?}", faults.join("\n")).into())
                }
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
