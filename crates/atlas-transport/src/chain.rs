//! Errors of the libraries below, and what they came from.

use std::error::Error;

use atlas_model::causes;

/// Any error of a library below.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// An error of a certain type among an error and what it came from.
pub(crate) fn found<E: Error + 'static>(error: &BoxError) -> Option<&E> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// An error and what it came from.
pub(crate) fn chain(error: &BoxError) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let first: &(dyn Error + 'static) = error.as_ref();
    std::iter::once(first).chain(causes(first))
}
