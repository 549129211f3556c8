//! The catalog compared with an independent reading of `fixtures/api/facts.json`.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]
#![allow(
    clippy::disallowed_methods,
    reason = "the facts are read from their files"
)]

mod contradictions;
mod facts;
mod json_schema;
mod overrides;
mod requests;
mod samples;
mod violations;
