//! The cache that keeps access tokens beyond one process.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::token_answer::{MAX_LIFETIME, Token, is_usable};

/// A cache that keeps access tokens beyond the life of a client, so that programs that start often do
/// not request one each time; the token endpoint allows ten requests a minute.
///
/// [`TokenDirectory`](crate::TokenDirectory) implements it for the programs of one user. A cache never
/// fails a call: errors of loading and storing are ignored. Its methods are called on threads where
/// blocking is allowed; after 5 seconds the fetch continues without the cache. A token is a secret: keep
/// it where only its owner can read it.
pub trait TokenCache: Send + Sync {
    /// Returns the token that was stored under a key, if it is still available.
    fn load(&self, key: &TokenKey) -> Option<CachedToken>;
    /// Stores a token, replacing any other.
    fn store(&self, key: &TokenKey, token: &CachedToken);
    /// Removes the token that was stored under a key.
    fn remove(&self, key: &TokenKey);

    /// Tries to lock the fetching of a key's token, without waiting.
    ///
    /// While another process or client has the lock, this client reads the cache and tries again
    /// about ten times a second, for at most 30 seconds or half of the call's total time; then it
    /// fetches a token without the lock. The lock must end with its process, even if the process is
    /// killed.
    ///
    /// The default is [`LockAttempt::Unsupported`]: a token is fetched at once.
    fn try_lock(&self, key: &TokenKey) -> LockAttempt {
        let _ = key;
        LockAttempt::Unsupported
    }
}

/// The result of [`TokenCache::try_lock`].
#[derive(Debug)]
#[non_exhaustive]
pub enum LockAttempt {
    /// The lock, held until it is dropped.
    Acquired(TokenLock),
    /// Another process or client has the lock.
    Busy,
    /// The cache has no locks, or cannot lock now.
    Unsupported,
}

/// The lock of a key in a [`TokenCache`]. Dropping it releases the lock.
pub struct TokenLock {
    _guard: Box<dyn Send>,
}

impl TokenLock {
    /// Wraps a guard that releases the lock when it is dropped.
    pub fn new(guard: impl Send + 'static) -> Self {
        Self {
            _guard: Box::new(guard),
        }
    }
}

impl fmt::Debug for TokenLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenLock").finish_non_exhaustive()
    }
}

/// Identifies a service account, its secret and a base URL without revealing any of them: a SHA-256 in 64
/// hexadecimal digits. Another secret has another key, so a wrong secret finds no token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenKey(String);

impl TokenKey {
    pub(crate) fn new(base: &str, client_id: &str, secret: &SecretString) -> Self {
        let mut hash = Sha256::new();
        // A valid URL or id contains no line break, so the concatenation is unambiguous.
        for part in [base, "\n", client_id, "\n", secret.expose_secret()] {
            hash.update(part);
        }
        Self(format!("{:x}", hash.finalize()))
    }

    /// Returns the digits, which are safe in a file name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A token in a cache. Its times are seconds since 1970 by the local clock.
#[derive(Clone)]
pub struct CachedToken {
    /// The token.
    pub access_token: SecretString,
    /// The time when it was obtained.
    pub obtained: u64,
    /// The time when it expires.
    pub expires: u64,
}

impl CachedToken {
    pub(crate) fn new(token: &Token, now: SystemTime) -> Self {
        let obtained = seconds(now);
        Self {
            access_token: token.access_token.clone(),
            obtained,
            expires: obtained.saturating_add(token.lifetime.as_secs()),
        }
    }

    /// Returns the token with its remaining lifetime; `None` if it has expired or cannot be sent. Also
    /// `None` for a token from the future: the clock was set back, and its age is unknown.
    pub(crate) fn fresh(&self, now: SystemTime) -> Option<Token> {
        let now = seconds(now);
        let left = self.expires.checked_sub(now)?;
        let life = self.expires.saturating_sub(self.obtained);
        let worth_using = left > WORTH_USING.min(life / 10);
        let usable = is_usable(&self.access_token);
        (usable && self.obtained <= now && worth_using).then(|| Token {
            access_token: self.access_token.clone(),
            lifetime: Duration::from_secs(left).min(MAX_LIFETIME),
        })
    }
}

impl fmt::Debug for CachedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedToken")
            .field("obtained", &self.obtained)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// A token with fewer seconds left, or with less than a tenth of its lifetime, is not loaded: a session
/// would replace it at once.
const WORTH_USING: u64 = 60;

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cached_token_is_used_within_its_life_and_not_when_the_clock_was_set_back() {
        let token = Token {
            access_token: "t0ken".into(),
            lifetime: Duration::from_secs(3600),
        };
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let cached = CachedToken::new(&token, at(10_000));
        let left = |seconds| Some(cached.fresh(at(seconds))?.lifetime.as_secs());
        assert_eq!(left(10_000), Some(3600));
        assert_eq!(left(13_539), Some(61));
        for none in [9_999, 13_540, 13_600, 99_999] {
            assert_eq!(left(none), None, "{none}");
        }
        let short = Token {
            access_token: "t0ken".into(),
            lifetime: Duration::from_secs(50),
        };
        let short = CachedToken::new(&short, at(10_000));
        let left = |seconds| Some(short.fresh(at(seconds))?.lifetime.as_secs());
        assert_eq!((left(10_044), left(10_045)), (Some(6), None));
        let endless = CachedToken {
            expires: u64::MAX,
            ..cached.clone()
        };
        for unusable in ["", "t0ken\nx", "t0 ken", "t\u{f6}ken"] {
            let cached = CachedToken {
                access_token: unusable.into(),
                ..cached.clone()
            };
            assert!(cached.fresh(at(10_000)).is_none(), "{unusable:?}");
        }
        assert_eq!(endless.fresh(at(10_000)).unwrap().lifetime, MAX_LIFETIME);
        let shown = format!("{cached:?}");
        assert!(shown.contains("expires: 13600") && !shown.contains("t0ken"));
    }

    #[test]
    fn locks_are_unsupported_by_default() {
        struct Nothing;
        impl TokenCache for Nothing {
            fn load(&self, _: &TokenKey) -> Option<CachedToken> {
                None
            }
            fn store(&self, _: &TokenKey, _: &CachedToken) {}
            fn remove(&self, _: &TokenKey) {}
        }
        let key = TokenKey::new("https://a.example", "id", &"s".into());
        let attempt = Nothing.try_lock(&key);
        assert!(matches!(attempt, LockAttempt::Unsupported), "{attempt:?}");
    }

    #[test]
    fn debug_of_a_lock_is_its_name() {
        assert_eq!(format!("{:?}", TokenLock::new(())), "TokenLock { .. }");
    }

    #[test]
    fn a_key_depends_on_base_client_and_secret() {
        let key = |base, id, secret: &str| TokenKey::new(base, id, &secret.to_owned().into());
        let this = key("https://a.example", "id", "s");
        assert_eq!(this, key("https://a.example", "id", "s"));
        assert_ne!(this, key("https://a.example", "id2", "s"));
        assert_ne!(this, key("https://a.exampl", "eid", "s"));
        assert_ne!(this, key("https://a.example", "id", "another"));
        assert_eq!(this.as_str().len(), 64);
    }
}
