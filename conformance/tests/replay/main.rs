//! Replays every fixture, in every combination, at the client and at the sandbox.
//!
//! One test for each replay: `cargo test -p atlas-conformance --test replay -- digest/envelope`.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

mod client;
mod server;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use atlas_conformance::{Auth, DocumentedResponse, Form, Matrix, OperationFixture};
use libtest_mimic::{Arguments, Trial};

/// Replays one documented answer in one combination; the error says what differs.
type Replay = fn(&OperationFixture, &DocumentedResponse, Auth, Form) -> Result<(), String>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let passed = Arc::new(Mutex::new(Matrix::default()));
    let mut trials = Vec::new();
    for id in atlas_conformance::replayed().unwrap() {
        let fixture = atlas_conformance::operation(&id).unwrap();
        // Leaked on purpose: the tests borrow it until the process ends.
        let fixture: &'static OperationFixture = Box::leak(Box::new(fixture));
        for response in &fixture.responses {
            for auth in Auth::ALL {
                for form in Form::ALL {
                    let case = format!("{}/{}/{auth}/{form}", fixture.id, response.status);
                    for (side, replay) in [
                        ("client", client::replay as Replay),
                        ("server", server::replay),
                    ] {
                        let passed = passed.clone();
                        trials.push(Trial::test(format!("{side}/{case}"), move || {
                            replay(fixture, response, auth, form)?;
                            let mut passed = passed.lock().map_err(|_| "another test panicked")?;
                            passed.note(format!("{side} {}", response.status), auth);
                            Ok(())
                        }));
                    }
                }
            }
        }
    }
    let listing = arguments.list;
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !listing {
        let passed = passed
            .lock()
            .map_or_else(|broken| broken.to_string(), |m| m.to_string());
        let _ = write!(std::io::stdout(), "\n{passed}");
        let _ = writeln!(
            std::io::stdout(),
            "{} passed, {} failed, {} filtered out",
            conclusion.num_passed,
            conclusion.num_failed,
            conclusion.num_filtered_out
        );
    }
    conclusion.exit_code()
}

/// Compares, and says what differs.
#[allow(
    clippy::needless_pass_by_value,
    reason = "so that literals can be compared"
)]
fn same<T: PartialEq + std::fmt::Debug>(what: &str, seen: T, expected: T) -> Result<(), String> {
    if seen == expected {
        Ok(())
    } else {
        Err(format!("{what}: {seen:?}, expected {expected:?}"))
    }
}
