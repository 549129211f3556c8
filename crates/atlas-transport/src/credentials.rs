//! The credentials of a client.

use std::fmt;

use secrecy::SecretString;

use crate::auth::ClientAuthentication;

/// The credentials of a client. `Debug` shows no secret.
///
/// ```
/// use atlas_transport::Credentials;
///
/// let credentials = Credentials::api_key("public", "private");
/// assert!(!format!("{credentials:?}").contains("private"));
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum Credentials {
    /// An access token from another source, sent unchanged (RFC 6750).
    Bearer {
        /// The token.
        token: SecretString,
    },
    /// An API key pair, by HTTP Digest (RFC 7616).
    ApiKey {
        /// The public key: the user name of the digest.
        public_key: String,
        /// The private key: the password of the digest. Never sent.
        private_key: SecretString,
    },
    /// A service account, by OAuth 2.0 client credentials (RFC 6749 section 4.4).
    #[non_exhaustive]
    ServiceAccount {
        /// The client id, `mdb_sa_id_…`.
        client_id: String,
        /// The client secret, `mdb_sa_sk_…`; sent to the token endpoint only.
        client_secret: SecretString,
        /// How the two are sent to the token endpoint.
        authentication: ClientAuthentication,
    },
}

impl Credentials {
    /// Returns credentials with an access token.
    pub fn bearer(token: impl Into<String>) -> Self {
        Self::Bearer {
            token: token.into().into(),
        }
    }

    /// Returns the credentials of an API key pair.
    pub fn api_key(public_key: impl Into<String>, private_key: impl Into<String>) -> Self {
        Self::ApiKey {
            public_key: public_key.into(),
            private_key: private_key.into().into(),
        }
    }

    /// Returns the credentials of a service account, sent to the token endpoint by HTTP Basic.
    pub fn service_account(client_id: impl Into<String>, client_secret: impl Into<String>) -> Self {
        Self::ServiceAccount {
            client_id: client_id.into(),
            client_secret: client_secret.into().into(),
            authentication: ClientAuthentication::default(),
        }
    }

    /// Sets how a service account's client id and secret are sent to the token endpoint;
    /// [`ClientAuthentication::Basic`] by default. Other credentials are unchanged.
    ///
    /// ```
    /// use atlas_transport::{ClientAuthentication, Credentials};
    ///
    /// let credentials = Credentials::service_account("mdb_sa_id_…", "mdb_sa_sk_…")
    ///     .client_authentication(ClientAuthentication::Form);
    /// assert_eq!(format!("{credentials:?}"), "ServiceAccount([hidden])");
    /// ```
    #[must_use]
    pub fn client_authentication(mut self, how: ClientAuthentication) -> Self {
        if let Self::ServiceAccount { authentication, .. } = &mut self {
            *authentication = how;
        }
        self
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer { .. } => "Bearer([hidden])",
            Self::ApiKey { .. } => "ApiKey([hidden])",
            Self::ServiceAccount { .. } => "ServiceAccount([hidden])",
        })
    }
}
