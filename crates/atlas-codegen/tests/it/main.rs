//! Runs the tool as a process, with descriptions and facts in files.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]
#![allow(clippy::disallowed_methods, reason = "fixtures are files")]

mod breaking;
mod changes;
mod golden;
mod hand_written;
mod keys;
mod language;
mod lock;
mod malformed;
mod prose;
mod refresh;
mod round_trip;
mod schemas;
mod sources;
mod support;
mod unbuildable;
mod watches;
