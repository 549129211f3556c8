//! The client against servers of others: Apache httpd, lighttpd and Authlib; through the proxies of
//! others: tinyproxy, Squid, Dante and microsocks; its reading of `NO_PROXY` against curl's; the
//! sandbox against curl, every Atlas tool of MongoDB's MCP server, every GET of pyatlassdk, and its page
//! in Chromium; the suite with the guide's client in Python; and the testees around curl, requests,
//! urllib and pyatlassdk.
//!
//! `cargo test -p atlas-conformance --test interop`. Not part of a plain `cargo test`, since the
//! programs have to be installed first. `ATLAS_INTEROP=skip` lets the tests pass without them.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

mod apache;
mod authlib;
mod chromium;
mod command;
mod curl;
mod guide;
mod lighttpd;
mod mcp;
mod mcp_streams;
mod mcp_tools;
mod no_proxy;
mod program;
mod proxies;
mod pyatlassdk;
mod testees;

use atlas_transport::{Client, Credentials, Error};
use bytes::Bytes;
use http::{Request, Response};

/// The protected resource of every server here.
const RESOURCE: &str = "/api/atlas/v2/groups";

fn client(url: &str, credentials: &Credentials) -> Client {
    Client::new(url.parse().unwrap(), credentials).unwrap()
}

async fn get(client: &Client, target: &str) -> Result<Response<Bytes>, Error> {
    let request = Request::get(target).body(Bytes::new()).unwrap();
    client.execute(request).await
}

/// Asks for the resource and gives the status.
async fn status(client: &Client) -> u16 {
    get(client, RESOURCE).await.unwrap().status().as_u16()
}
