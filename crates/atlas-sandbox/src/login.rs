//! Who can log in, and what for.

/// A login with the role Project Owner.
pub const OWNER: Login = Login {
    access_token: "sandbox-owner-token",
    public_key: "sandboxo",
    private_key: "00000000-0000-4000-8000-0000000000a1",
    client_id: "mdb_sa_id_32b6e34b3d91647abb20e7a1",
    client_secret: "mdb_sa_sk_sandbox-owner",
};

/// A login with the role Project Read Only: it gets 403 where more is asked for.
pub const READER: Login = Login {
    access_token: "sandbox-reader-token",
    public_key: "sandboxr",
    private_key: "00000000-0000-4000-8000-0000000000a2",
    client_id: "mdb_sa_id_32b6e34b3d91647abb20e7a2",
    client_secret: "mdb_sa_sk_sandbox-reader",
};

/// One user of the sandbox, in each of the three ways to prove it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Login {
    /// A bearer token that never expires.
    pub access_token: &'static str,
    /// The public half of an API key.
    pub public_key: &'static str,
    /// Its private half.
    pub private_key: &'static str,
    /// A service account's client id.
    pub client_id: &'static str,
    /// Its client secret.
    pub client_secret: &'static str,
}

/// What a login may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    ProjectOwner,
    ProjectReadOnly,
}

impl Role {
    /// The logins there are, with their roles.
    pub(crate) const LOGINS: [(Login, Self); 2] =
        [(OWNER, Self::ProjectOwner), (READER, Self::ProjectReadOnly)];
}
