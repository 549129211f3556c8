//! The connection of a command, to Atlas or to the embedded sandbox.

use std::sync::Arc;

use atlas_transport::{Client, Credentials, TokenDirectory};

use crate::failure::Failure;
use crate::global::Global;
use crate::log;
use crate::settings::Settings;

/// A client, and the embedded sandbox if the client uses it.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) identity: Identity,
    #[cfg(feature = "sandbox")]
    _sandbox: Option<atlas_sandbox::SandboxServer>,
}

/// The base URL and the public part of the credentials of a client.
pub(crate) struct Identity {
    /// The base URL of requests.
    pub(crate) base: String,
    /// The kind of credentials, for programs.
    pub(crate) kind: &'static str,
    /// The kind of credentials with its article, for people.
    pub(crate) article: &'static str,
    /// The public part of the credentials, if they have one.
    pub(crate) id: Option<String>,
    /// The source of the credentials.
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
            .map_err(|error| Failure::File(format!("cannot start the sandbox: {error}")))?;
        let base: BaseUrl = server
            .url()
            .parse()
            .map_err(|error| Failure::Usage(format!("invalid URL of the sandbox: {error}")))?;
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

    /// Whether it uses plain http to a server other than the embedded sandbox.
    pub(crate) fn is_plain(&self) -> bool {
        self.identity.origin != IN_PROCESS && self.identity.base.starts_with("http://")
    }

    /// The base URL and the credentials, for people.
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
        format!("{base}, with {article} from {origin}")
    }
}

/// The name of the embedded sandbox, for people.
const IN_PROCESS: &str = "the embedded sandbox";

/// The kind of credentials for programs and for people, and their public part.
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
