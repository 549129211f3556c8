//! Interoperability tests: the client with the servers Apache httpd, lighttpd and Authlib, and through
//! the proxies tinyproxy, Squid, Dante and microsocks; its handling of `NO_PROXY` compared with curl's;
//! the sandbox with curl, every Atlas tool of MongoDB's MCP server, every GET of pyatlassdk, and its
//! page in Chromium; the suite with the Python client in the guide; and the testees for curl, requests,
//! urllib and pyatlassdk.
//!
//! `cargo test -p atlas-conformance --test interop`. Not part of a plain `cargo test`, since the
//! programs must be installed. With `ATLAS_INTEROP=skip`, the tests pass without them.

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

/// Requests the resource and returns the status.
async fn status(client: &Client) -> u16 {
    get(client, RESOURCE).await.unwrap().status().as_u16()
}
