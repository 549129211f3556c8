//! The engine: routes a request to its operation and makes the response.
//! [`behaviour`](crate::behaviour) has the operations with their own behaviour; the resource store
//! serves the rest.

pub(crate) mod answer;
pub(crate) mod call;
pub(crate) mod fidelity;
mod files;
pub(crate) mod generic;
pub(crate) mod object;
pub(crate) mod plan;
pub(crate) mod read;
pub(crate) mod refuse;
mod repeats;
pub(crate) mod respond;
pub(crate) mod samples;
pub(crate) mod shape;
mod statuses;
#[cfg(test)]
mod tests;
