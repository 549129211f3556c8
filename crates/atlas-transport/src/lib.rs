//! A client of the MongoDB Atlas Administration API: sends the operations of [`atlas_model`].
//!
//! hyper 1 over rustls with the platform's roots, HTTP/1.1 or HTTP/2 as ALPN agrees, connections
//! kept and reused, gzip read, every wait bounded. Three kinds of [`Credentials`]: an access token,
//! an API key pair by HTTP Digest with a challenge that is kept (one request a call, and one more
//! for the first), and a service account whose token is fetched once for all callers.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use atlas_model::flex_clusters::GetFlexCluster;
//! use atlas_transport::{BaseUrl, Client, Credentials};
//!
//! let base: BaseUrl = "https://cloud.mongodb.com".parse()?;
//! let credentials = Credentials::service_account("mdb_sa_id_…", "mdb_sa_sk_…");
//! let client = Client::builder(base, &credentials)
//!     .total_timeout(Duration::from_secs(60))
//!     .build()?;
//!
//! let project = "32b6e34b3d91647abb20e7b8".parse()?;
//! let cluster = client.send(&GetFlexCluster::new(project, "Flex0".parse()?)).await?;
//! println!("{:?}", cluster.into_inner().state_name);
//! # Ok(())
//! # }
//! ```
//!
//! [`Client::send`] takes the operations of `atlas-model`, whose modules stand behind the features of
//! their tags, and those of your own; [`Client::pages`] and [`Client::items`] read lists. With the
//! feature `catalog`, on by default, [`Client::call`] calls any operation by its name, and
//! [`Client::strict`] makes an answer that is not as documented an error.
//!
//! Nothing is sent by plain `http`, except to a loopback address. Secrets appear in no `Debug`, no
//! error and no log.
//!
//! To try it without an account, run `atlas sandbox` (package `atlas-toolkit`) and paste the lines that
//! it prints: [`Credentials::from_env`] reads them. The crates are not on crates.io yet:
//!
//! ```toml
//! [dependencies]
//! atlas-model = { git = "https://github.com/atlas-rs/atlas-rs" }
//! atlas-transport = { git = "https://github.com/atlas-rs/atlas-rs" }
//! tokio = { version = "1", features = ["macros", "rt"] }
//! ```
//!
//! | feature | default | adds |
//! | --- | --- | --- |
//! | `catalog` | yes | [`Client::call`], [`Client::strict`], and documented roles in errors |
//! | `token-directory` | yes | `TokenDirectory`, access tokens in a folder |
//! | `blocking` | no | `blocking::Client` |
//!
//! The folder `examples` has whole programs: lists, refusals, a service account, a proxy with a root
//! of one's own, an operation of one's own, raw calls, the blocking client, and ureq.
//!
//! # Without an async runtime, or with another one
//!
//! `blocking::Client`, behind the feature `blocking`, is for programs without an async runtime. It has
//! the calls of [`Client`] except the streaming of raw calls. The sessions in [`auth`] do digest and
//! OAuth for any other HTTP client.
//!
//! # Errors
//!
//! An [`Error`] is one line that says what failed and what to do; [`Error::causes`] are what it came
//! from, and `Debug` is all of it in one line. [`Error::status`], [`Error::api_error`],
//! [`Error::retry_after`] and [`Error::is_transient`] answer what callers ask for most. Failed
//! requests are retried where that is safe, and [`Error::attempts`] tells; the rules and the list
//! of transient failures stand in [`retry`].
//!
//! # Bounds
//!
//! Whatever a server does, a client waits for no more and takes no more than this. Nothing is allocated
//! for a length that is only announced.
//!
//! | what | at most, by default | setting | then |
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
//! | attempts | 3; waits of 20 s, or of 60 s if the server asks | [`retry`](ClientBuilder::retry) | the last outcome |
//! | retries of all calls together | a budget of 500, of which a retry takes 14 or 5 ([`RetryBudget`](retry::RetryBudget)) | | the last outcome |
//! | requests in one attempt, for authentication | 3 | | the 401 |
//! | an access token | 16 KiB; its lifetime is taken as 5 s to 24 h | | [`Token`](ErrorKind::Token) |
//! | the wait for another process's token | 30 s, or half of the call | | goes on without |
//! | what is read of a store's refusal | 4 KiB, for one read timeout | | its code is unknown |
//! | the head of a proxy's response | 16 KiB | | [`Connect`](ErrorKind::Connect) |
//! | the files of certificate roots, together | 16 MiB | | [`Roots`](ErrorKind::Roots) |
//! | the file of a credential, which a `_FILE` variable names | 64 KiB | | [`EnvironmentError::File`](environment::EnvironmentError::File) |
//! | values in one answer, by its commas | 1,000,000 | | [`TooManyValues`](ErrorKind::TooManyValues) |
//! | items of one page | 100,000 | | left out, and a deviation |
//! | values of one answer that do not fit | 32 | | the answer is an error |
//! | the wait for a turn before the rate limit | 60 s, and none that outlasts the call | | goes on |
//!
//! # Access tokens
//!
//! The token of a service account lives an hour, and its endpoint allows ten requests a minute. One
//! client fetches it once for all its calls. Programs that start often, or in numbers, share it through a
//! [`TokenCache`], such as the `TokenDirectory` of the feature `token-directory`: one of them asks the
//! endpoint, and the others wait for its token. A rate limit is waited out as long as the call's
//! [`total_timeout`](ClientBuilder::total_timeout) lasts; with
//! [`RetryPolicy::none`](retry::RetryPolicy::none) it is not. A rate limit that asks for less than a
//! second is retried as the policy says. [`Credentials::from_env`] finds credentials in the environment,
//! and in the files that it names.
//!
//! # Not supported
//!
//! Redirects (none is followed: no `Authorization` goes to another origin), SOCKS 4, a proxy's
//! authentication other than Basic and SOCKS user and password, proxies for plain `http`,
//! encrypted private keys, and lists of revoked certificates.
//!
//! # Proxies
//!
//! `https`, that is calls, token requests and downloads alike, goes through the proxy that the first
//! non-empty variable of `HTTPS_PROXY`, `https_proxy`, `ALL_PROXY` and `all_proxy` names, or
//! [`ClientBuilder::proxy`]: `[scheme://][user:password@]host[:port]`.
//!
//! | scheme | port by default, as in curl | |
//! | --- | --- | --- |
//! | `http`, or none | 1080 | CONNECT, with Basic authentication |
//! | `https` | 443 | the same within TLS to the proxy, with the roots of the target's |
//! | `socks5` | 1080 | SOCKS 5; this machine looks up the host and asks for its first IPv4 address, or else its first |
//! | `socks5h` | 1080 | SOCKS 5; the proxy looks up the host |
//!
//! An address that cannot be used is an error that names the variable and quotes nothing of it. It
//! never becomes a direct connection, and neither does a proxy that fails: a refused password (407)
//! or host is never retried, a connection that fails is retried as the retry policy says. All of it,
//! TLS included, takes [`ClientBuilder::connect_timeout`] at most.
//!
//! The hosts in `NO_PROXY`, or else `no_proxy`, are connected to directly, as in curl: `*` alone is every
//! host; entries stand between commas or white space; `example.com` and `.example.com` are that
//! domain and those below it; an IP address, an IPv6 one with brackets or without, is itself, and
//! `10.0.0.0/8` or `2001:db8::/32` a network. Any other entry matches no host, such as one with a port or
//! `*.example.com`. [`ClientBuilder::proxy`] has no exceptions.
//!
//! Plain `http` goes to loopback addresses only and never through a proxy, so `HTTP_PROXY` is not
//! read.
//!
//! # TLS
//!
//! TLS 1.2 and 1.3. The roots are the platform's, or, on every platform, those that `SSL_CERT_FILE`
//! (a file in PEM) and `SSL_CERT_DIR` (folders of such files, with `:` between them, `;` on Windows)
//! name in their place. A variable that is set, not empty, and names no root is an error that says
//! why. [`ClientBuilder::trust`] and [`ClientBuilder::trust_pem`] add roots beside either.
//!
//! [`ClientBuilder::client_certificate`] is offered to the host and port of the base URL only.
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
