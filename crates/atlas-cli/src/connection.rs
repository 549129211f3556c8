//! Whom a command talks to: Atlas, or the sandbox inside this process.

use std::sync::Arc;

use atlas_model::OperationMeta;
use atlas_transport::{Client, Credentials, TokenDirectory};
use clap::ArgMatches;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::environment::Setting;
use crate::failure::{Failure, say};
use crate::settings::Settings;

/// A client, and the sandbox it talks to, if it is one.
pub(crate) struct Connection {
    pub(crate) client: Client,
    description: String,
    #[cfg(feature = "sandbox")]
    _sandbox: Option<atlas_sandbox::SandboxServer>,
}

impl Connection {
    #[cfg_attr(
        not(feature = "sandbox"),
        allow(clippy::unused_async, reason = "only the sandbox has to be started")
    )]
    pub(crate) async fn open(matches: &ArgMatches) -> Result<Self, Failure> {
        #[cfg(feature = "sandbox")]
        if in_sandbox(matches) {
            return Self::sandbox().await;
        }
        let account = Settings::of(matches).account()?;
        let (base, credentials) = (account.base, account.credentials);
        if base.sends_in_the_clear() {
            say(&format!(
                "warning: {base} is plain http: credentials and data are sent unencrypted"
            ));
        }
        let description = format!("{base}, with {} of {}", kind(&credentials), account.origin);
        let mut builder = Client::builder(base, &credentials);
        if !matches.get_flag("noTokenCache")
            && let Some(tokens) = TokenDirectory::of_user()
        {
            builder = builder.token_cache(Arc::new(tokens));
        }
        Ok(Self {
            client: builder.build()?,
            description,
            #[cfg(feature = "sandbox")]
            _sandbox: None,
        })
    }

    #[cfg(feature = "sandbox")]
    async fn sandbox() -> Result<Self, Failure> {
        use atlas_sandbox::{OWNER, SandboxServer};
        use atlas_transport::BaseUrl;

        let server = SandboxServer::start()
            .await
            .map_err(|error| Failure::File(format!("the sandbox has no port: {error}")))?;
        let base: BaseUrl = server
            .url()
            .parse()
            .map_err(|error| Failure::Usage(format!("the sandbox's address: {error}")))?;
        let credentials = Credentials::api_key(OWNER.public_key, OWNER.private_key);
        Ok(Self {
            client: Client::new(base, &credentials)?,
            description: "the sandbox inside this process".to_owned(),
            _sandbox: Some(server),
        })
    }

    /// Whether it talks without TLS.
    pub(crate) fn is_plain(&self) -> bool {
        self.description.starts_with("http://")
    }

    /// Whom it talks to, and as what.
    pub(crate) fn describe(&self) -> String {
        self.description.clone()
    }
}

fn kind(credentials: &Credentials) -> &'static str {
    match credentials {
        Credentials::ApiKey { .. } => "an API key",
        Credentials::ServiceAccount { .. } => "a service account",
        _ => "an access token",
    }
}

/// Whether `--sandbox` was given.
#[cfg(feature = "sandbox")]
fn in_sandbox(matches: &ArgMatches) -> bool {
    matches.get_flag("sandbox")
}

/// The project that a command names, or its environment, or the sandbox's only one.
pub(crate) fn project(matches: &ArgMatches, flag: &str) -> Result<String, Failure> {
    if let Some(project) = matches.get_one::<String>(flag) {
        return Ok(project.clone());
    }
    #[cfg(feature = "sandbox")]
    if in_sandbox(matches) {
        return Ok(atlas_sandbox::PROJECT.to_owned());
    }
    let project = Settings::of(matches).required(Setting::Project)?;
    project.ok_or_else(|| {
        Failure::Usage(format!(
            "no project; give --{flag} or set MONGODB_ATLAS_PROJECT_ID"
        ))
    })
}

/// Says on stderr, in one line, that an operation ended or will.
pub(crate) fn warn_of_sunset(meta: &OperationMeta) {
    let Some(sunset) = meta.sunset() else {
        return;
    };
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    let ended = if sunset <= today { "ended" } else { "ends" };
    let instead = meta
        .successor
        .map(|successor| format!("; use {successor} instead"))
        .unwrap_or_default();
    say(&format!(
        "warning: {} {ended} on {sunset}{instead}",
        meta.id
    ));
}
