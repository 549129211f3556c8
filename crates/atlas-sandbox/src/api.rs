//! The engine: from a request to the operation that it is for, and from what that gives to a
//! response. What an operation does is found in [`behaviour`](crate::behaviour), or in the resource
//! store where it has none of its own.

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
