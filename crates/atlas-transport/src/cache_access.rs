//! The token cache as a fetch sees it: off the async workers, and never in the way.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use secrecy::{ExposeSecret, SecretString};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until, timeout};

use crate::auth::{CachedToken, LockAttempt, Token, TokenCache, TokenKey, TokenLock};

/// How long other processes are waited for that fetch a token.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_secs(30);
/// How long lies between two looks at the cache and its lock, on average.
const POLL: Duration = Duration::from_millis(100);
/// How long one access may take, for instance to a network file system that hangs.
const ACCESS_TIMEOUT: Duration = Duration::from_secs(5);

/// The cache of one service account, for the time of one fetch.
pub(crate) struct CacheAccess {
    cache: Arc<dyn TokenCache>,
    key: TokenKey,
    /// The last token that a 401 came for; the cache may still have it.
    refused: Option<SecretString>,
    /// An access took too long. There is none after it, so that no threads pile up.
    hangs: bool,
    /// How long one access may take.
    patience: Duration,
}

/// What a fetch is to do once it has waited for others.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Nothing: there is a token.
    Cached(Token),
    /// Ask the token endpoint, and keep the lock meanwhile; `None` if there is none to be had.
    Fetch(Option<TokenLock>),
}

impl CacheAccess {
    pub(crate) fn new(
        cache: Arc<dyn TokenCache>,
        key: TokenKey,
        refused: Option<SecretString>,
    ) -> Self {
        Self {
            cache,
            key,
            refused,
            hangs: false,
            patience: ACCESS_TIMEOUT,
        }
    }

    /// The token in the cache, if it can be used.
    pub(crate) async fn load(&mut self) -> Option<Token> {
        let cached = self.blocking(|cache, key| cache.load(key)).await?;
        self.usable(&cached?)
    }

    /// The access token in the cache, whatever its age.
    pub(crate) async fn take(&mut self) -> Option<SecretString> {
        let take = |cache: &dyn TokenCache, key: &TokenKey| {
            let cached = cache.load(key);
            cache.remove(key);
            cached
        };
        Some(self.blocking(take).await??.access_token)
    }

    pub(crate) async fn store(&mut self, token: &Token) {
        let token = CachedToken::new(token, SystemTime::now());
        self.blocking(move |cache, key| cache.store(key, &token))
            .await;
    }

    /// Waits up to `limit` until there is a token or no other process fetches one.
    pub(crate) async fn turn(&mut self, limit: Duration) -> Turn {
        let end = Instant::now().checked_add(limit);
        let mut waits = false;
        loop {
            let poll = |cache: &dyn TokenCache, key: &TokenKey| {
                // In this order: the process that held the lock before has stored its token by then.
                let lock = cache.try_lock(key);
                (lock, cache.load(key))
            };
            let Some((lock, cached)) = self.blocking(poll).await else {
                return Turn::Fetch(None);
            };
            if let Some(token) = cached.and_then(|cached| self.usable(&cached)) {
                return Turn::Cached(token);
            }
            match lock {
                LockAttempt::Acquired(lock) => return Turn::Fetch(Some(lock)),
                LockAttempt::Unsupported => return Turn::Fetch(None),
                LockAttempt::Busy if waits => {}
                LockAttempt::Busy => {
                    waits = true;
                    tracing::debug!("waiting for another process to fetch a token");
                }
            }
            let now = Instant::now();
            // Not all at the same moment.
            let next = now + POLL / 2 + POLL.mul_f64(fastrand::f64());
            match end {
                Some(end) if end <= now => {
                    tracing::debug!(?limit, "the token lock is held too long; going on without");
                    return Turn::Fetch(None);
                }
                Some(end) => sleep_until(next.min(end)).await,
                None => sleep_until(next).await,
            }
        }
    }

    fn usable(&self, cached: &CachedToken) -> Option<Token> {
        let token = cached.fresh(SystemTime::now())?;
        let refused = self.refused.as_ref().map(ExposeSecret::expose_secret);
        (refused != Some(token.access_token.expose_secret())).then_some(token)
    }

    /// Runs one access on a thread that may block. Given up, it still ends by itself, and drops
    /// what it got.
    async fn blocking<T: Send + 'static>(
        &mut self,
        access: impl FnOnce(&dyn TokenCache, &TokenKey) -> T + Send + 'static,
    ) -> Option<T> {
        if self.hangs {
            return None;
        }
        let (cache, key) = (self.cache.clone(), self.key.clone());
        let job = spawn_blocking(move || access(&*cache, &key));
        if let Ok(done) = timeout(self.patience, job).await {
            return done.ok();
        }
        tracing::debug!("the token cache does not respond; going on without");
        self.hangs = true;
        None
    }
}

#[cfg(test)]
mod tests;
