//! The logins of a world.

/// A login with the roles Organization Owner and Project Owner.
pub const OWNER: Login = Login {
    access_token: "sandbox-owner-token",
    public_key: "sandboxo",
    private_key: "00000000-0000-4000-8000-0000000000a1",
    client_id: "mdb_sa_id_32b6e34b3d91647abb20e7a1",
    client_secret: "mdb_sa_sk_sandbox-owner",
};

/// A login with the role Project Read Only; other operations return 403.
pub const READER: Login = Login {
    access_token: "sandbox-reader-token",
    public_key: "sandboxr",
    private_key: "00000000-0000-4000-8000-0000000000a2",
    client_id: "mdb_sa_id_32b6e34b3d91647abb20e7a2",
    client_secret: "mdb_sa_sk_sandbox-reader",
};

/// A login of the sandbox, with credentials for each of the three authentication methods.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Login {
    /// An access token that never expires.
    pub access_token: &'static str,
    /// The public key of an API key.
    pub public_key: &'static str,
    /// The private key of the API key.
    pub private_key: &'static str,
    /// The client id of a service account.
    pub client_id: &'static str,
    /// The client secret of the service account.
    pub client_secret: &'static str,
}

/// A login of the world. Credentials that are `None` do not exist.
#[derive(Clone, Default)]
pub(crate) struct Account {
    /// The number of the login.
    pub(crate) number: u64,
    pub(crate) access_token: Option<String>,
    /// The public and the private key of an API key.
    pub(crate) key: Option<(String, String)>,
    /// The id and the secrets of a service account.
    pub(crate) client: Option<(String, Vec<String>)>,
    /// The documented names of its roles, which apply everywhere. A login for a resource has the
    /// roles of the resource instead.
    pub(crate) roles: Vec<String>,
    /// The key of the stored API key or service account of this login, which is removed with it.
    pub(crate) resource: Option<String>,
    /// The id of the organization or project to which its roles are limited, if any.
    pub(crate) scope: Option<String>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("name", &self.name())
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// The name in responses: the public key or the client id.
    pub(crate) fn name(&self) -> &str {
        let key = self.key.as_ref().map(|(public, _)| public.as_str());
        let client = self.client.as_ref().map(|(id, _)| id.as_str());
        key.or(client).unwrap_or("token")
    }
}

/// The logins of a world.
#[derive(Debug)]
pub(crate) struct Accounts {
    all: Vec<Account>,
    counted: u64,
}

impl Accounts {
    /// No logins.
    pub(crate) fn none() -> Self {
        Self {
            all: Vec::new(),
            counted: 0,
        }
    }

    /// Adds a login and returns its number.
    pub(crate) fn add(&mut self, mut account: Account) -> u64 {
        self.counted += 1;
        account.number = self.counted;
        self.all.push(account);
        self.counted
    }

    pub(crate) fn find(&self, wanted: impl Fn(&Account) -> bool) -> Option<&Account> {
        self.all.iter().find(|account| wanted(account))
    }

    pub(crate) fn find_mut(&mut self, wanted: impl Fn(&Account) -> bool) -> Option<&mut Account> {
        self.all.iter_mut().find(|account| wanted(account))
    }

    pub(crate) fn by_number(&self, number: u64) -> Option<&Account> {
        self.find(|account| account.number == number)
    }

    pub(crate) fn by_public_key(&self, public: &str) -> Option<&Account> {
        self.find(|account| account.key.as_ref().is_some_and(|(key, _)| key == public))
    }

    pub(crate) fn by_client_id(&self, id: &str) -> Option<&Account> {
        self.find(|account| account.client.as_ref().is_some_and(|(it, _)| it == id))
    }

    /// Removes logins.
    pub(crate) fn remove(&mut self, unwanted: impl Fn(&Account) -> bool) {
        self.all.retain(|account| !unwanted(account));
    }

    pub(crate) fn all(&self) -> &[Account] {
        &self.all
    }
}

impl Default for Accounts {
    /// The two built-in logins.
    fn default() -> Self {
        let mut accounts = Self::none();
        let of = |login: Login, roles: &[&str]| Account {
            number: 0,
            access_token: Some(login.access_token.to_owned()),
            key: Some((login.public_key.to_owned(), login.private_key.to_owned())),
            client: Some((
                login.client_id.to_owned(),
                vec![login.client_secret.to_owned()],
            )),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            resource: None,
            scope: None,
        };
        accounts.add(of(OWNER, &["Organization Owner", "Project Owner"]));
        accounts.add(of(READER, &["Project Read Only"]));
        accounts
    }
}

/// The documented name of a role of the API: `Project Read Only` for `GROUP_READ_ONLY`.
pub(crate) fn documented_role(role: &str) -> String {
    match role {
        "ORG_GROUP_CREATOR" => return "Organization Project Creator".to_owned(),
        "ORG_BILLING_READ_ONLY" => return "Organization Billing Viewer".to_owned(),
        _ => {}
    }
    let (scope, rest) = match role.split_once('_') {
        Some(("GROUP", rest)) => ("Project", rest),
        Some(("ORG", rest)) => ("Organization", rest),
        _ => return role.to_owned(),
    };
    let mut name = scope.to_owned();
    for word in rest.split('_') {
        let mut letters = word.chars();
        name.push(' ');
        name.extend(letters.next());
        name.push_str(&letters.as_str().to_ascii_lowercase());
    }
    name
}
