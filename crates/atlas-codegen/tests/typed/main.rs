//! Values generated from the schemas of the facts, with the generated types of `atlas-model` and
//! the checks of `atlas-catalog`.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]
#![allow(clippy::disallowed_methods, reason = "fixtures are files")]

mod answers;
mod case;
mod catalog;
mod facts;
mod maker;
mod meta;
mod path;
mod requests;
mod table;
mod texts;
