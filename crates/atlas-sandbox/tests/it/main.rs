//! Integration tests of the world, with time as an argument, and of the server on a real socket.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

mod bodies;
mod clusters;
mod control;
mod fault_plans;
mod journal;
mod lists;
mod logins;
mod odd_bodies;
mod outsiders;
mod people;
mod providers;
mod redaction;
mod resources;
mod schemas;
mod seeds;
mod server;
mod service;
mod services;
#[cfg(feature = "tls")]
mod tls;
mod world;
mod worlds;
