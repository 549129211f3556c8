//! Whom a command talks to: Atlas, or the sandbox inside this process.

use std::sync::Arc;

use atlas_transport::{Client, Credentials, TokenDirectory};

use crate::failure::Failure;
use crate::global::Global;
use crate::log;
use crate::settings::Settings;

/// A client, and the sandbox it talks to, if it is one.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) identity: Identity,
    #[cfg(feature = "sandbox")]
    _sandbox: Option<atlas_sandbox::SandboxServer>,
}

/// As whom a client talks, and to whom; no secret.
pub(crate) struct Identity {
    /// Where requests go.
    pub(crate) base: String,
    /// What kind of credentials it has, for programs.
    pub(crate) kind: &'static str,
    /// The same for people.
    pub(crate) article: &'static str,
    /// The public part of them, if there is one.
    pub(crate) id: Option<String>,
    /// Where they are from.
    pub(crate) origin: String,
}

impl Connection {
    #[cfg_attr(
        not(feature = "sandbox"),
        allow(clippy::unused_async, reason = "only the sandbox has to be started")
    )]
    pub(crate) async fn open(global: &Global) -> Result<Self, Failure> {
        #[cfg(feature = "sandbox")]
        if global.sandbox {
            return Self::sandbox().await;
        }
        let account = Settings::of(global).account()?;
        let (base, credentials) = (account.base, account.credentials);
        if base.sends_in_the_clear() {
            log::warn(&format!(
                "{base} is plain http: credentials and data are sent unencrypted"
            ));
        }
        let (kind, article, id) = kind(&credentials);
        let identity = Identity {
            base: base.to_string(),
            kind,
            article,
            id,
            origin: account.origin,
        };
        let mut builder = Client::builder(base, &credentials);
        if !global.no_token_cache
            && let Some(tokens) = TokenDirectory::of_user()
        {
            builder = builder.token_cache(Arc::new(tokens));
        }
        Ok(Self {
            client: builder.build()?,
            identity,
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
            identity: Identity {
                base: server.url().to_owned(),
                kind: "apiKey",
                article: "an API key",
                id: Some(OWNER.public_key.to_owned()),
                origin: IN_PROCESS.to_owned(),
            },
            _sandbox: Some(server),
        })
    }

    /// Whether it talks without TLS to a server other than the embedded sandbox.
    pub(crate) fn is_plain(&self) -> bool {
        self.identity.origin != IN_PROCESS && self.identity.base.starts_with("http://")
    }

    /// Whom it talks to, and as what.
    pub(crate) fn describe(&self) -> String {
        let Identity {
            base,
            article,
            origin,
            ..
        } = &self.identity;
        if origin == IN_PROCESS {
            return IN_PROCESS.to_owned();
        }
        format!("{base}, with {article} of {origin}")
    }
}

/// What the embedded sandbox is called.
const IN_PROCESS: &str = "the sandbox inside this process";

/// What credentials are called by programs and people, and their public part.
fn kind(credentials: &Credentials) -> (&'static str, &'static str, Option<String>) {
    match credentials {
        Credentials::ApiKey { public_key, .. } => {
            ("apiKey", "an API key", Some(public_key.clone()))
        }
        Credentials::ServiceAccount { client_id, .. } => (
            "serviceAccount",
            "a service account",
            Some(client_id.clone()),
        ),
        _ => ("accessToken", "an access token", None),
    }
}
