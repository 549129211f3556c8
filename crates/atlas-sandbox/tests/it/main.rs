//! The sandbox's tests: the world by itself, told the time, and the server on a real socket.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

mod bodies;
mod control;
mod fault_plans;
mod lists;
mod logins;
mod seeds;
mod server;
mod world;
