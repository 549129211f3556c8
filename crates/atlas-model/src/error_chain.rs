//! Errors with their causes.

use std::error::Error;
use std::io;

/// Returns the causes of an error, nearest first.
///
/// Follows `source`, and the error inside of an [`io::Error`], which its `source` skips.
///
/// ```
/// use std::io;
///
/// let inner = io::Error::other("disk on fire");
/// let error = io::Error::other(inner);
/// let causes: Vec<String> = atlas_model::causes(&error).map(|it| it.to_string()).collect();
/// assert_eq!(causes, ["disk on fire", "disk on fire"]);
/// ```
pub fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(below(error), |error| below(*error))
}

/// Formats an error and its causes as one line; a message that is repeated in the chain appears
/// once.
///
/// ```
/// use std::io;
///
/// let error = io::Error::other(io::Error::other("disk on fire"));
/// assert_eq!(atlas_model::error_line(&error), "disk on fire");
/// ```
pub fn error_line(error: &(dyn Error + 'static)) -> String {
    with_causes(error.to_string(), error)
}

/// Appends an error's causes to a line that replaces the error's own message.
pub fn with_causes(mut line: String, error: &(dyn Error + 'static)) -> String {
    for cause in causes(error) {
        let message = cause.to_string();
        if !line.contains(&message) {
            line.push_str(": ");
            line.push_str(&message);
        }
    }
    line
}

fn below<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let wrapped = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    match wrapped {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

/// Implements `Debug` for errors as [`error_line`], since `main() -> Result` prints `Debug`.
macro_rules! debug_as_chain {
    ($($error:ty),* $(,)?) => {$(
        impl std::fmt::Debug for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&crate::error_chain::error_line(self))
            }
        }
    )*};
}

pub(crate) use debug_as_chain;
