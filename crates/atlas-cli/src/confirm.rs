//! The question before a change that cannot be undone.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::args::ConfirmArgs;
use crate::escape::escape;
use crate::failure::Failure;
use crate::signals::blocking;

/// Asks for confirmation on the terminal, unless `--force` was given. `warning` says what will happen,
/// and `otherwise` what did not happen if the answer is not yes.
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
    if !input.is_terminal() {
        return Err(Failure::Usage(format!(
            "{warning} stdin is not a terminal; pass --force to confirm"
        )));
    }
    // A question is asked even if the command is to be quiet.
    let _ = write!(io::stderr(), "{}\nType yes to confirm: ", escape(warning));
    let _ = io::stderr().flush();
    let mut answer = String::new();
    let _ = input.lock().read_line(&mut answer);
    if answer.trim().eq_ignore_ascii_case("yes") {
        Ok(())
    } else {
        Err(Failure::Declined(otherwise))
    }
}
