//! What proves to Atlas who is asking.

use std::fmt;

use secrecy::SecretString;

/// What proves to Atlas who is asking. `Debug` shows no secret.
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
    /// An access token from elsewhere, sent as it is (RFC 6750).
    Bearer {
        /// The token.
        token: SecretString,
    },
    /// An API key pair, by HTTP Digest (RFC 7616).
    ApiKey {
        /// The public key, the user of the digest.
        public_key: String,
        /// The private key, its password; never sent.
        private_key: SecretString,
    },
    /// A service account, by OAuth 2.0 client credentials (RFC 6749 section 4.4).
    ServiceAccount {
        /// The client id, `mdb_sa_id_…`.
        client_id: String,
        /// The client secret, `mdb_sa_sk_…`; sent to the token endpoint only.
        client_secret: SecretString,
    },
}

impl Credentials {
    /// A ready access token.
    pub fn bearer(token: impl Into<String>) -> Self {
        Self::Bearer {
            token: token.into().into(),
        }
    }

    /// An API key pair.
    pub fn api_key(public_key: impl Into<String>, private_key: impl Into<String>) -> Self {
        Self::ApiKey {
            public_key: public_key.into(),
            private_key: private_key.into().into(),
        }
    }

    /// A service account.
    pub fn service_account(client_id: impl Into<String>, client_secret: impl Into<String>) -> Self {
        Self::ServiceAccount {
            client_id: client_id.into(),
            client_secret: client_secret.into().into(),
        }
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
