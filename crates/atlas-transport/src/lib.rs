//! A client of the MongoDB Atlas Administration API: sends the operations of [`atlas_model`].
//!
//! Uses hyper 1 over rustls with the platform's roots, and HTTP/1.1 or HTTP/2 as negotiated by ALPN.
//! Connections are kept alive and reused, gzip is decompressed, and every wait is bounded. There are
//! three kinds of [`Credentials`]: an access token; an API key pair, by HTTP Digest with a reused
//! challenge (one request per call, plus one for the first); and a service account, whose token is
//! fetched once for all callers.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use atlas_model::flex_clusters::GetFlexCluster;
//! use atlas_transport::{BaseUrl, Client, Credentials};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let base: BaseUrl = "https://cloud.mongodb.com".parse()?;
//!     let credentials = Credentials::service_account("mdb_sa_id_…", "mdb_sa_sk_…");
//!     let client = Client::builder(base, &credentials)
//!         .total_timeout(Duration::from_secs(60))
//!         .build()?;
//!
//!     let project = "32b6e34b3d91647abb20e7b8".parse()?;
//!     let cluster = client.send(&GetFlexCluster::new(project, "Flex0".parse()?)).await?;
//!     println!("{:?}", cluster.into_inner().state_name);
//!     Ok(())
//! }
//! ```
//!
//! [`Client::send`] accepts the operations of `atlas-model`, whose modules are behind the features of
//! their tags, and your own; [`Client::pages`] and [`Client::items`] read lists. With the feature
//! `catalog`, on by default, [`Client::call`] calls any operation by its name, and [`Client::strict`]
//! turns a response that does not match the documentation into an error.
//!
//! Nothing is sent over plain `http`, except to a loopback address or if the [`BaseUrl`] allows it.
//! Secrets never appear in `Debug`, errors or logs.
//!
//! To try it without an account, run `atlas sandbox` (package `atlas-toolkit`), paste the lines that it
//! prints, and replace the URL and the credentials above by those that [`Credentials::from_env`] reads.
//! Nothing is published yet; the program above needs:
//!
//! ```console
//! cargo add --git https://github.com/atlas-rs/atlas-rs atlas-transport atlas-model
//! cargo add tokio --features macros,rt-multi-thread
//! ```
//!
//! | feature | default | adds |
//! | --- | --- | --- |
//! | `catalog` | yes | [`Client::call`], [`Client::strict`], and documented roles in errors |
//! | `token-directory` | yes | `TokenDirectory`, access tokens in a folder |
//! | `blocking` | no | `blocking::Client` |
//!
//! The folder `examples` has whole programs: lists, error handling, a service account, a proxy with a
//! custom root, a custom operation, raw calls, the blocking client, and ureq.
//!
//! # Without an async runtime, or with another one
//!
//! `blocking::Client`, behind the feature `blocking`, is for programs without an async runtime. It has
//! the calls of [`Client`] except the streaming of raw calls. The sessions in [`auth`] implement digest
//! and OAuth for any other HTTP client.
//!
//! # Errors
//!
//! The message of an [`Error`] is one line that states what failed and what to do. [`Error::causes`]
//! returns the underlying errors, and `Debug` shows the whole chain in one line. [`Error::status`],
//! [`Error::api_error`], [`Error::retry_after`] and [`Error::is_transient`] cover the most common
//! questions. Failed requests are retried where that is safe, and [`Error::attempts`] lists the
//! retries; [`retry`] documents the rules and the transient failures.
//!
//! # Bounds
//!
//! These limits hold whatever a server does. No memory is allocated for a length that is only
//! announced.
//!
//! | subject | limit, by default | setting | beyond it |
//! | --- | --- | --- | --- |
//! | a connection, TLS and proxy included | 10 s | [`connect_timeout`](ClientBuilder::connect_timeout) | [`Connect`](ErrorKind::Connect) |
//! | the wait for response headers, and for each piece of a body | 30 s | [`read_timeout`](ClientBuilder::read_timeout) | [`Timeout`](ErrorKind::Timeout) |
//! | a call, with authentication, retries and their waits; opening a file | 120 s | [`total_timeout`](ClientBuilder::total_timeout), [`Client::with_total_timeout`] | [`Timeout`](ErrorKind::Timeout) |
//! | the wait for the pages of a list, together | 10 min | [`list_timeout`](ClientBuilder::list_timeout) | [`Timeout`](ErrorKind::Timeout) |
//! | pages of a list | 10,000 | [`page_limit`](ClientBuilder::page_limit) | [`List`](ErrorKind::List) |
//! | items of a list, to the end of a page | 1,000,000 | [`item_limit`](ClientBuilder::item_limit) | [`List`](ErrorKind::List) |
//! | the head of a response | 128 KiB, and 100 lines over HTTP/1.1 | [`header_limit`](ClientBuilder::header_limit) | [`Malformed`](ErrorKind::Malformed), or [`Interrupted`](ErrorKind::Interrupted) over HTTP/2 |
//! | the body of a response, decompressed | 16 MiB | [`response_limit`](ClientBuilder::response_limit) | [`TooLarge`](ErrorKind::TooLarge) |
//! | the minimum rate of a file | 10 KiB/s over each 60 s of waiting | [`min_rate`](ClientBuilder::min_rate) | [`TooSlow`](ErrorKind::TooSlow) |
//! | attempts | 3; waits of 20 s, or of 60 s if the server requests it | [`retry`](ClientBuilder::retry) | the last outcome |
//! | retries of all calls together | a budget of 500; a retry costs 14 or 5 ([`RetryBudget`](retry::RetryBudget)) | | the last outcome |
//! | requests of one attempt, including those for a new challenge or token | 3 | | the 401 |
//! | an access token | 16 KiB; a lifetime outside of 5 s to 24 h is clamped | | [`Token`](ErrorKind::Token) |
//! | the wait for another process's token | 30 s, or half of the call | | the client fetches its own |
//! | the body of an object store's error response | 4 KiB, for one read timeout | | the error code is unknown |
//! | the head of a proxy's response | 16 KiB | | [`Connect`](ErrorKind::Connect) |
//! | the files of certificate roots, together | 16 MiB | | [`Roots`](ErrorKind::Roots) |
//! | a credential file, named by a `_FILE` variable | 64 KiB | | [`EnvironmentError::File`](environment::EnvironmentError::File) |
//! | values in one response, counted by commas | 1,000,000 | | [`TooManyValues`](ErrorKind::TooManyValues) |
//! | items of one page | 100,000 | | dropped, with a deviation |
//! | values of one response that do not match the type | 32 | | the response is an error |
//! | how long a call waits because of a rate limit | 60 s, and less than the rest of the call | | the request is sent |
//!
//! # Access tokens
//!
//! The token of a service account is valid for an hour, and its endpoint allows ten requests a minute.
//! One client fetches it once for all its calls. Programs that start often, or many at a time, share it
//! through a [`TokenCache`], such as the `TokenDirectory` of the feature `token-directory`: one of them
//! requests a token, and the others wait for it. A call waits out a rate limit as long as its
//! [`total_timeout`](ClientBuilder::total_timeout) allows, but not with
//! [`RetryPolicy::none`](retry::RetryPolicy::none). A rate limit of less than a second is retried by the
//! policy. [`Credentials::from_env`] reads credentials from the environment, and from the files that it
//! names.
//!
//! # Not supported
//!
//! Redirects (never followed: no `Authorization` goes to another origin), SOCKS 4, proxy
//! authentication other than Basic and SOCKS user and password, proxies for plain `http`,
//! encrypted private keys, and certificate revocation lists.
//!
//! # Proxies
//!
//! All `https` requests (calls, token requests and downloads) go through the proxy of
//! [`ClientBuilder::proxy`], or else of the first non-empty variable of `HTTPS_PROXY`, `https_proxy`,
//! `ALL_PROXY` and `all_proxy`: `[scheme://][user:password@]host[:port]`.
//!
//! | scheme | port by default, as in curl | protocol |
//! | --- | --- | --- |
//! | `http`, or none | 1080 | CONNECT, with Basic authentication |
//! | `https` | 443 | the same over TLS to the proxy, with the same roots as for the target |
//! | `socks5` | 1080 | SOCKS 5; the client resolves the host and sends its first IPv4 address, or else its first address |
//! | `socks5h` | 1080 | SOCKS 5; the proxy resolves the host |
//!
//! An invalid address is an error that names the variable and quotes nothing of it. Neither an invalid
//! address nor a failing proxy ever leads to a direct connection. A refused password (407) or host is
//! never retried; a failed connection is retried by the retry policy.
//! [`ClientBuilder::connect_timeout`] bounds all of it, TLS included.
//!
//! The hosts in `NO_PROXY`, or else `no_proxy`, are connected to directly, as in curl. `*` alone matches
//! every host. Entries are separated by commas or white space. `example.com` and `.example.com` match
//! the domain and its subdomains; an IP address, IPv6 with brackets or without, matches itself;
//! `10.0.0.0/8` and `2001:db8::/32` match a network. Any other entry, such as one with a port or
//! `*.example.com`, matches no host. [`ClientBuilder::proxy`] has no exceptions.
//!
//! Plain `http` never goes through a proxy, so `HTTP_PROXY` is not read.
//!
//! # TLS
//!
//! TLS 1.2 and 1.3. The roots are the platform's. On every platform, `SSL_CERT_FILE` (a PEM file) and
//! `SSL_CERT_DIR` (folders of such files, separated by `:`, or `;` on Windows) replace them. A variable
//! that is set, not empty, and leads to no root is an error that states the reason.
//! [`ClientBuilder::trust`] and [`ClientBuilder::trust_pem`] add roots to either.
//!
//! [`ClientBuilder::client_certificate`] is presented to the host and port of the base URL only.
//!
//! ```no_run
//! # fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use atlas_transport::{Client, Credentials};
//!
//! let credentials = Credentials::api_key("public", "private");
//! let client = Client::builder("https://ops.example".parse()?, &credentials)
//!     .trust_pem(std::fs::read("authorities.pem")?)
//!     .client_certificate(std::fs::read("client.pem")?, std::fs::read("client-key.pem")?)
//!     .proxy("socks5h://proxy.example:1080")
//!     .build()?;
//! # Ok(())
//! # }
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

pub mod auth;
mod authenticator;
mod base_url;
#[cfg(feature = "blocking")]
pub mod blocking;
mod body;
mod builder;
mod cache_access;
mod call;
mod chain;
mod client;
mod connect_hint;
#[doc(hidden)]
pub mod connections;
mod content_range;
mod credential_check;
mod credentials;
mod download;
pub mod environment;
mod error;
mod list_time;
mod pace;
mod pages;
mod pem;
mod proxy;
#[cfg(feature = "catalog")]
mod raw;
pub mod retry;
mod retry_loop;
mod roots;
mod secrets;
mod settings;
#[cfg(feature = "catalog")]
mod strict;
mod sync;
mod timer;
mod tls;
mod token_call;
#[cfg(feature = "token-directory")]
mod token_directory;
mod transient;
mod transport;
mod value_problem;

#[cfg(feature = "catalog")]
pub use atlas_catalog;
pub use auth::{
    CachedToken, ClientAuthentication, LockAttempt, TokenCache, TokenError, TokenKey, TokenLock,
    TokenRefusal,
};
pub use base_url::{BaseUrl, BaseUrlError};
pub use builder::ClientBuilder;
pub use client::Client;
pub use content_range::{ContentRange, ContentRangeError};
pub use credentials::Credentials;
pub use download::{ByteRange, Download};
pub use error::{Attempt, Attempts, Error, ErrorKind, Phase};
#[cfg(feature = "catalog")]
pub use raw::{Call, RawStream};
#[cfg(feature = "token-directory")]
pub use token_directory::TokenDirectory;
pub use {bytes, http, secrecy};

/// The README's program, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
