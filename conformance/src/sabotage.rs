//! Faults on purpose: what the suite must notice in a client and in a server.

mod client;
mod server;
mod style;

use bytes::Bytes;
use http::{Request, Uri};

pub(crate) use client::ClientSabotage;
pub use client::{ANOTHER_STYLE, CLIENT_SABOTAGES};
pub use server::{SERVER_SABOTAGES, SabotagedServer};

/// No fault at all, carried as the faults are: it is they that must be caught, not what carries
/// them.
pub const NO_SABOTAGE: &str = "nothing";

/// A sabotage by its name.
fn named(known: &'static [&'static str], name: &str) -> Option<&'static str> {
    let mut all = known.iter().chain(&[NO_SABOTAGE]);
    all.find(|known| **known == name).copied()
}

/// Leads a request elsewhere.
fn retarget(request: &mut Request<Bytes>, from: &str, to: &str) {
    let uri = request.uri().to_string().replacen(from, to, 1);
    if let Ok(uri) = uri.parse::<Uri>() {
        *request.uri_mut() = uri;
    }
}
