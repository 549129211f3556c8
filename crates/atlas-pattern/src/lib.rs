//! The documented patterns of the MongoDB Atlas Administration API v2, without a regex engine.
//!
//! The API description gives 45 distinct patterns for parameters and fields. [`Pattern`] finds the
//! ones that are safe to check before a request is sent, and tells what each expects:
//!
//! ```
//! use atlas_pattern::Pattern;
//!
//! let pattern = Pattern::find("^([a-f0-9]{24})$").expect("the pattern of ids is enforced");
//! assert!(pattern.is_match("32b6e34b3d91647abb20e7b8"));
//! assert!(!pattern.is_match("nope"));
//! assert_eq!(pattern.expected(), "24 lowercase hex digits");
//!
//! // Organization and project names contain spaces that their documented pattern refuses.
//! assert_eq!(Pattern::find(r"^[\p{L}\p{N}\-_.(),:&@+']{1,64}$"), None);
//! ```
//!
//! The modules [`id`], [`cluster_name`], [`item_name`] and [`path_text`] check one kind of text
//! each and tell where it is wrong; the types of `atlas-model` are built on them:
//!
//! ```
//! use atlas_pattern::{PatternError, cluster_name};
//!
//! let text = "my cluster";
//! let fault = cluster_name::check(text).unwrap_err();
//! let error = PatternError::new(
//!     "clusterName",
//!     text,
//!     cluster_name::SOURCE,
//!     cluster_name::EXPECTED,
//!     fault,
//! );
//! assert_eq!(
//!     error.to_string(),
//!     "invalid clusterName \"my cluster\": \
//!      expected ASCII letters, digits and hyphens, starting with a letter or digit"
//! );
//! ```
//!
//! # Semantics
//!
//! A pattern matches as in ECMA-262, the dialect that the API description uses: anywhere in the text unless
//! it is anchored, `$` at the very end only, `\d` and `\w` in ASCII only. `\p{L}` and `\p{N}` are
//! those of [`UNICODE_VERSION`]. A match takes time linear in the length of the text, allocates
//! nothing and cannot panic.
//!
//! # Not supported
//!
//! Patterns from outside. Each matcher is a table that `atlas-codegen` wrote, or a function;
//! `fixtures/api/overrides.json` gives the reason for each pattern that is not enforced.

#![forbid(unsafe_code)]

pub mod cluster_name;
pub mod id;
pub mod item_name;
pub mod path_text;

mod characters;
mod dfa;
mod error;
mod letter_number;
mod pattern;
mod table;

pub use error::{PatternError, PatternFault};
pub use letter_number::UNICODE_VERSION;
pub use pattern::Pattern;

/// The README's program, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
