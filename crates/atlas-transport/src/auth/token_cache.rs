//! Keeping access tokens beyond one process.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::token_answer::{MAX_LIFETIME, Token, is_usable};

/// Keeps access tokens beyond the life of a client, so that programs that start often do not ask
/// the token endpoint each time; it allows ten requests a minute.
///
/// [`TokenDirectory`](crate::TokenDirectory) is one, for the programs of one user. A cache never
/// fails a call: what it cannot load or store, it leaves. Its methods are called on threads where
/// blocking is allowed; one that takes longer than 5 seconds is given up, and the fetch goes on
/// without the cache. A token is a secret; keep it where only its owner reads.
pub trait TokenCache: Send + Sync {
    /// The token that was stored under a key, if it is still there.
    fn load(&self, key: &TokenKey) -> Option<CachedToken>;
    /// Stores a token in place of any other.
    fn store(&self, key: &TokenKey, token: &CachedToken);
    /// Forgets the token that was stored under a key.
    fn remove(&self, key: &TokenKey);

    /// Tries to become the only one that fetches the token of a key, without waiting.
    ///
    /// While another process or client has the lock, this client reads the cache and tries again
    /// about ten times a second, for at most 30 seconds or half of the call's total time; then it
    /// fetches a token without the lock. The lock must end with the process that has it, however
    /// that ends.
    ///
    /// By default [`LockAttempt::Unsupported`]: a token is fetched at once.
    fn try_lock(&self, key: &TokenKey) -> LockAttempt {
        let _ = key;
        LockAttempt::Unsupported
    }
}

/// What came of [`TokenCache::try_lock`].
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
    /// Wraps what releases the lock when it is dropped.
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

/// Names a service account with its secret at a base URL, without telling any: 64 hexadecimal digits
/// of a SHA-256. With another secret it is another key, so a wrong secret finds no token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenKey(String);

impl TokenKey {
    pub(crate) fn new(base: &str, client_id: &str, secret: &SecretString) -> Self {
        let mut hash = Sha256::new();
        // Neither a URL nor an id that can be sent has a line break, so no two look the same.
        for part in [base, "\n", client_id, "\n", secret.expose_secret()] {
            hash.update(part);
        }
        Self(format!("{:x}", hash.finalize()))
    }

    /// The digits, fit for a file's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A token in a cache, with its life in seconds since 1970 by this machine's clock.
#[derive(Clone)]
pub struct CachedToken {
    /// The token.
    pub access_token: SecretString,
    /// When it was obtained.
    pub obtained: u64,
    /// When it expires.
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

    /// The token with what is left of its life. A token from the future is none: the clock was
    /// set back, and nobody knows how old it is.
    ///
    /// One that cannot be sent is none either.
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

/// A token with fewer seconds left, or with less than a tenth of its life, is not worth starting
/// with: a session would replace it at once.
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
    fn a_cache_without_locks_says_so() {
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
    fn a_lock_is_shown_by_its_name() {
        assert_eq!(format!("{:?}", TokenLock::new(())), "TokenLock { .. }");
    }

    #[test]
    fn a_key_tells_base_client_and_secret_apart_and_shows_none() {
        let key = |base, id, secret: &str| TokenKey::new(base, id, &secret.to_owned().into());
        let this = key("https://a.example", "id", "s");
        assert_eq!(this, key("https://a.example", "id", "s"));
        assert_ne!(this, key("https://a.example", "id2", "s"));
        assert_ne!(this, key("https://a.exampl", "eid", "s"));
        assert_ne!(this, key("https://a.example", "id", "another"));
        assert_eq!(this.as_str().len(), 64);
    }
}
