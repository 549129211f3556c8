//! The catalog against an independent reading of `fixtures/api/facts.json`.

mod facts;
mod json_schema;
mod requests;
mod samples;
mod violations;
