//! Tests on the data in `fixtures/`; they are not part of the package.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

mod no_proxy;
