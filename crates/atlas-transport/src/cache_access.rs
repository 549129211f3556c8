//! Accesses the token cache for a fetch: outside of async workers, and with time limits.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use secrecy::{ExposeSecret, SecretString};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until, timeout};

use crate::auth::{CachedToken, LockAttempt, Token, TokenCache, TokenKey, TokenLock};

/// How long to wait for another process that fetches a token.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_secs(30);
/// The average time between two checks of the cache and its lock.
const POLL: Duration = Duration::from_millis(100);
/// The time limit of one access, for instance to an unresponsive network file system.
const ACCESS_TIMEOUT: Duration = Duration::from_secs(5);

/// The cache of one service account, during one fetch.
pub(crate) struct CacheAccess {
    cache: Arc<dyn TokenCache>,
    key: TokenKey,
    /// The last token that was refused with a 401; the cache may still have it.
    refused: Option<SecretString>,
    /// Whether an access timed out. No other follows, so that threads do not pile up.
    hangs: bool,
    /// The time limit of one access.
    access_timeout: Duration,
}

/// The result of waiting for other processes.
#[derive(Debug)]
pub(crate) enum Turn {
    /// There is a token.
    Cached(Token),
    /// Request a token, and hold the lock meanwhile, if there is one.
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
            access_timeout: ACCESS_TIMEOUT,
        }
    }

    /// Returns the token in the cache, if it can be used.
    pub(crate) async fn load(&mut self) -> Option<Token> {
        let cached = self.blocking(|cache, key| cache.load(key)).await?;
        self.usable(&cached?)
    }

    /// Removes the access token from the cache and returns it, whatever its age.
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

    /// Waits, up to `limit`, until there is a token or no other process is fetching one.
    pub(crate) async fn turn(&mut self, limit: Duration) -> Turn {
        let end = Instant::now().checked_add(limit);
        let mut waits = false;
        loop {
            let poll = |cache: &dyn TokenCache, key: &TokenKey| {
                // In this order: a process that released the lock has stored its token before.
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
            // A random delay, so that processes do not poll at the same moment.
            let next = now + POLL / 2 + POLL.mul_f64(fastrand::f64());
            match end {
                Some(end) if end <= now => {
                    tracing::debug!(
                        ?limit,
                        "the token lock is held too long; continuing without it"
                    );
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

    /// Runs one access on a thread that may block. After a timeout, the access still runs to its end, and
    /// its result is dropped.
    async fn blocking<T: Send + 'static>(
        &mut self,
        access: impl FnOnce(&dyn TokenCache, &TokenKey) -> T + Send + 'static,
    ) -> Option<T> {
        if self.hangs {
            return None;
        }
        let (cache, key) = (self.cache.clone(), self.key.clone());
        let job = spawn_blocking(move || access(&*cache, &key));
        if let Ok(done) = timeout(self.access_timeout, job).await {
            return done.ok();
        }
        tracing::debug!("the token cache does not respond; continuing without it");
        self.hangs = true;
        None
    }
}

#[cfg(test)]
mod tests;
