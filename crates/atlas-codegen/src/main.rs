//! Turns a published API description into facts, and facts into what the crates embed.

#![forbid(unsafe_code)]

fn main() {}
