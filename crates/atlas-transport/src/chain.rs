//! Error chains of libraries.

use std::error::Error;

use atlas_model::causes;

/// An error of any library.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Returns the first error of a type in an error's chain.
pub(crate) fn found<E: Error + 'static>(error: &BoxError) -> Option<&E> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// Returns an error and its causes.
pub(crate) fn chain(error: &BoxError) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let first: &(dyn Error + 'static) = error.as_ref();
    std::iter::once(first).chain(causes(first))
}
