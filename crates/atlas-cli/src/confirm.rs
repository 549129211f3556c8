//! Confirmation of a change that cannot be undone.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::args::ConfirmArgs;
use crate::escape::escape;
use crate::failure::Failure;
use crate::signals::{self, UnderWay, blocking};

/// Whether the cursor is at the end of a prompt.
static ASKING: AtomicBool = AtomicBool::new(false);

/// Ends the line of an unanswered prompt.
pub(crate) fn leave() {
    if ASKING.swap(false, Ordering::SeqCst) {
        let _ = writeln!(io::stderr());
    }
}

/// Asks for confirmation on the terminal, unless `--force` was given. `warning` states what will
/// happen, and `otherwise` what was not done if the user does not type yes.
pub(crate) async fn confirm(
    args: &ConfirmArgs,
    warning: String,
    otherwise: &'static str,
) -> Result<(), Failure> {
    if args.force {
        return Ok(());
    }
    blocking(move || ask(&warning, otherwise)).await
}

fn ask(warning: &str, otherwise: &'static str) -> Result<(), Failure> {
    let input = io::stdin();
    // The user must see the prompt and be able to answer it.
    for (is_terminal, name) in [
        (input.is_terminal(), "stdin"),
        (io::stderr().is_terminal(), "stderr"),
    ] {
        if !is_terminal {
            return Err(Failure::Usage(format!(
                "not confirmed, since {name} is not a terminal; pass --force to confirm: {warning}"
            )));
        }
    }
    // The prompt is printed even with --quiet.
    let _ = write!(io::stderr(), "{}\nType yes to confirm: ", escape(warning));
    let _ = io::stderr().flush();
    ASKING.store(true, Ordering::SeqCst);
    signals::begin(UnderWay::Question);
    let mut answer = String::new();
    let _ = input.lock().read_line(&mut answer);
    // The terminal echoes the line break, if the user typed one.
    if ASKING.swap(false, Ordering::SeqCst) && !answer.ends_with('\n') {
        let _ = writeln!(io::stderr());
    }
    signals::begin(UnderWay::Nothing);
    if answer.trim() == "yes" {
        Ok(())
    } else {
        Err(Failure::Declined(otherwise))
    }
}
