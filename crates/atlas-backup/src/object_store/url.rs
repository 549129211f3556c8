//! The URL of an object: kind of store, bucket, key.

use object_store::path::Path;

use crate::error::Error;

/// The kinds of stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    S3,
    Google,
    Azure,
}

/// An object's URL. The key is used literally, as by `aws s3 cp`: nothing in it is decoded, and `?`
/// and `#` are part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoreUrl {
    pub(super) kind: Kind,
    /// Everything before the key, including the slash.
    pub(super) base: String,
    pub(super) bucket: String,
    /// The account and its host, from `abfss://container@account.host/key`.
    pub(super) account: Option<String>,
    pub(super) key: Path,
}

/// The longest key, in bytes, that all three stores accept.
const LONGEST_KEY: usize = 1024;
/// The ending of a manifest's key.
const MANIFEST: &str = ".json";
/// The ending of a lease's key.
const PART: &str = ".part";

impl StoreUrl {
    /// Parses `scheme://bucket/key`.
    pub(super) fn parse(out: &str) -> Result<Self, Error> {
        let (scheme, rest) = out.split_once("://").ok_or_else(|| {
            usage(format!(
                "invalid store URL {out:?}: expected s3://bucket/key"
            ))
        })?;
        let kind = kind_of(scheme).ok_or_else(|| {
            usage(format!(
                "unknown store {scheme:?}: expected s3://bucket/key, gs://bucket/key, \
                 az://container/key or abfss://container@account.host/key"
            ))
        })?;
        if has_signature(rest) {
            return Err(usage(
                "invalid store URL: it contains a signature, which is a secret; pass the plain \
                 URL and set the credentials in the environment"
                    .to_owned(),
            ));
        }
        let (authority, key) = rest.split_once('/').unwrap_or((rest, ""));
        let (bucket, account) = match authority.split_once('@') {
            None => (authority, None),
            Some((container, host))
                if scheme.to_ascii_lowercase().starts_with("abfs") && !container.contains(':') =>
            {
                (container, Some(host))
            }
            Some(_) => {
                return Err(usage(
                    "invalid store URL: credentials in a URL are not supported; set them in the \
                     environment"
                        .to_owned(),
                ));
            }
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '$');
        let is_name = |name: &str| !name.is_empty() && name.len() <= 222 && name.chars().all(fits);
        if !is_name(bucket) || bucket.chars().all(|c| c == '.') {
            return Err(usage(format!(
                "invalid bucket {bucket:?} in {out:?}: expected letters, digits, '-', '.' and '_'"
            )));
        }
        if account.is_some_and(|host| !is_name(host) || !host.contains('.')) {
            return Err(usage(format!(
                "invalid account in {out:?}: expected container@account.dfs.core.windows.net"
            )));
        }
        let base = out.get(..out.len() - key.len()).unwrap_or_default();
        Ok(Self {
            kind,
            base: base.to_owned(),
            bucket: bucket.to_owned(),
            account: account.map(str::to_owned),
            key: parse_key(key, out)?,
        })
    }

    /// Parses `scheme://bucket`, with or without a prefix and a slash at its end.
    pub(super) fn parse_folder(out: &str) -> Result<Self, Error> {
        let trimmed = out.trim_end_matches('/');
        let has_key = trimmed
            .split_once("://")
            .is_some_and(|(_, rest)| rest.contains('/'));
        if has_key || !trimmed.contains("://") {
            return Self::parse(trimmed);
        }
        // A bucket alone: any key shows whether it is valid.
        let url = Self::parse(&format!("{trimmed}/key"))?;
        Ok(Self {
            key: Path::default(),
            ..url
        })
    }

    /// An object in this folder.
    ///
    /// # Errors
    /// [`Error::Usage`] if its key is too long.
    pub(super) fn child(&self, name: &str) -> Result<Self, Error> {
        let key = match self.key.as_ref() {
            "" => name.to_owned(),
            prefix => format!("{prefix}/{name}"),
        };
        let key = parse_key(&key, &format!("{}{key}", self.base))?;
        Ok(Self {
            key,
            ..self.clone()
        })
    }

    /// The URL of another key of the same bucket.
    pub(super) fn of(&self, key: &Path) -> String {
        format!("{}{key}", self.base)
    }

    /// The key of a shard's object.
    ///
    /// # Errors
    /// [`Error::Usage`] if it is too long.
    pub(super) fn shard(&self, name: impl Fn(&str) -> String) -> Result<Path, Error> {
        let key = self.key.as_ref();
        let key = match key.rsplit_once('/') {
            Some((folder, file)) => format!("{folder}/{}", name(file)),
            None => name(key),
        };
        parse_key(&key, &format!("{}{key}", self.base))
    }
}

/// The key of an object's manifest.
pub(super) fn manifest_key(key: &Path) -> Path {
    // A valid key stays valid with an ending.
    Path::parse(format!("{key}{MANIFEST}")).unwrap_or_default()
}

/// The key of an incomplete object's lease, which is also its journal.
pub(super) fn part_key(key: &Path) -> Path {
    Path::parse(format!("{key}{PART}")).unwrap_or_default()
}

/// The key of the object that a lease is for.
pub(super) fn object_of(lease: &str) -> Option<&str> {
    lease.strip_suffix(PART)
}

/// Whether an output is a URL of a store: any `scheme://`, or a store's scheme before a colon.
pub(super) fn is_meant(out: &str) -> bool {
    let Some((scheme, rest)) = out.split_once(':') else {
        return false;
    };
    let mut letters = scheme.chars();
    let is_scheme = letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    is_scheme && (rest.starts_with("//") || kind_of(scheme).is_some())
}

fn kind_of(scheme: &str) -> Option<Kind> {
    match scheme.to_ascii_lowercase().as_str() {
        "s3" | "s3a" => Some(Kind::S3),
        "gs" => Some(Kind::Google),
        "az" | "azure" | "adl" | "abfs" | "abfss" => Some(Kind::Azure),
        _ => None,
    }
}

/// Whether a URL is signed, like presigned links and shared access signatures.
fn has_signature(rest: &str) -> bool {
    let Some((_, query)) = rest.split_once('?') else {
        return false;
    };
    let is_secret = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default();
        [
            "sig",
            "x-amz-signature",
            "x-amz-security-token",
            "x-goog-signature",
        ]
        .iter()
        .any(|secret| name.eq_ignore_ascii_case(secret))
    };
    query.split('&').any(is_secret)
}

fn parse_key(key: &str, out: &str) -> Result<Path, Error> {
    let invalid = |expected: &str| usage(format!("invalid key in {out:?}: {expected}"));
    if key.is_empty() {
        return Err(invalid("expected a key after the bucket"));
    }
    if key.ends_with('/') {
        return Err(invalid("it ends with a slash; name an object"));
    }
    if key.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(invalid("expected no empty part, no '.' and no '..'"));
    }
    if key.chars().any(char::is_control) {
        return Err(invalid("expected no control characters"));
    }
    if key.len() + MANIFEST.len() > LONGEST_KEY {
        return Err(invalid("expected at most 1019 bytes"));
    }
    Path::parse(key).map_err(|_| invalid("the store does not support it; choose another name"))
}

pub(super) fn usage(what: String) -> Error {
    Error::Usage { what }
}
