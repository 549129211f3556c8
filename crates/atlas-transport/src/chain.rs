//! Errors and what they came from.

use std::error::Error;
use std::io;

/// Any error of a library below.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// An error of a certain type among an error and what it came from.
pub(crate) fn found<E: Error + 'static>(error: &BoxError) -> Option<&E> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// An error and what it came from.
pub(crate) fn chain(error: &BoxError) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let first: &(dyn Error + 'static) = error.as_ref();
    std::iter::successors(Some(first), |error| below(*error))
}

/// What an error came from, nearest first.
pub(crate) fn causes(error: &dyn Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |error| below(*error))
}

/// `io::Error::source` passes over the error that it wraps.
fn below<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let wrapped = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    match wrapped {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

/// An error and its causes in one line: each message once, however often errors on the way repeat
/// it.
pub(crate) fn line(error: &dyn Error) -> String {
    let mut line = error.to_string();
    for cause in causes(error) {
        let message = cause.to_string();
        if !line.contains(&message) {
            line.push_str(": ");
            line.push_str(&message);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Outer(&'static str, #[source] io::Error);

    #[test]
    fn each_message_of_a_chain_is_written_once() {
        let io = io::Error::other(io::Error::other("disk on fire"));
        let line = line(&Outer("cannot read", io));
        assert_eq!(line, "cannot read: disk on fire");
        let io = io::Error::other("disk on fire");
        let line = super::line(&Outer("cannot read: disk on fire", io));
        assert_eq!(line, "cannot read: disk on fire");
    }
}
