//! Carries the operations of [`atlas_model`] to the MongoDB Atlas Administration API and back.
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
//! error and no log. What fails on the way is sent again where that does no harm, and an [`Error`]
//! lists what was tried; see [`retry`].
//!
//! # Access tokens
//!
//! The token of a service account lives an hour, and its endpoint allows ten requests a minute. One
//! client fetches it once for all its calls. Programs that start often, or in numbers, share it through a
//! [`TokenCache`], such as the `TokenDirectory` of the feature `token-directory`: one of them asks the
//! endpoint, and the others wait for its token. A rate limit is waited out as long as the call's
//! [`total_timeout`](ClientBuilder::total_timeout) lasts; with [`RetryPolicy::none`](retry::RetryPolicy::none)
//! it is not, and one of less than a second gets the attempts of the policy. [`Credentials::from_env`] finds credentials in the
//! environment.
//!
//! # Not supported
//!
//! Redirects (none is followed: no `Authorization` goes to another origin), proxies other than
//! plain HTTP ones (no SOCKS, no `https://` proxies), and client certificates.
//!
//! # Proxies
//!
//! `https`, that is calls, token requests and downloads alike, goes through the proxy that the first
//! non-empty variable of `HTTPS_PROXY`, `https_proxy`, `ALL_PROXY` and `all_proxy` names, except to
//! the hosts in `NO_PROXY` or `no_proxy`. An address that cannot be used is an error that names the
//! variable; it never becomes a direct connection. Plain `http` goes to loopback addresses only and
//! never through a proxy, so `HTTP_PROXY` is not read.

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
mod token_call;
#[cfg(feature = "token-directory")]
mod token_directory;
mod transient;
mod transport;

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
