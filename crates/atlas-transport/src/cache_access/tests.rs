use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::*;
use crate::sync::Mutex;

type Script = dyn FnMut(usize) -> (LockAttempt, Option<CachedToken>) + Send;

/// A cache with a script that returns the state at each check, the first being 1.
struct Scripted {
    looks: AtomicUsize,
    script: Mutex<Box<Script>>,
    found: Mutex<Option<CachedToken>>,
}

impl TokenCache for Scripted {
    fn try_lock(&self, _: &TokenKey) -> LockAttempt {
        let count = self.looks.fetch_add(1, Ordering::SeqCst) + 1;
        let (lock, found) = (self.script.lock())(count);
        *self.found.lock() = found;
        lock
    }

    fn load(&self, _: &TokenKey) -> Option<CachedToken> {
        self.found.lock().clone()
    }

    fn store(&self, _: &TokenKey, _: &CachedToken) {}

    fn remove(&self, _: &TokenKey) {}
}

fn key() -> TokenKey {
    TokenKey::new("https://a.example", "id", &"s3cret".into())
}

fn scripted(
    script: impl FnMut(usize) -> (LockAttempt, Option<CachedToken>) + Send + 'static,
) -> (Arc<Scripted>, CacheAccess) {
    let cache = Arc::new(Scripted {
        looks: AtomicUsize::new(0),
        script: Mutex::new(Box::new(script)),
        found: Mutex::new(None),
    });
    let access = CacheAccess::new(cache.clone(), key(), Some("refused".into()));
    (cache, access)
}

fn cached(text: &str) -> CachedToken {
    let token = Token {
        access_token: text.into(),
        lifetime: Duration::from_secs(3600),
    };
    CachedToken::new(&token, SystemTime::now())
}

/// Returns a lock and a handle that shows whether it is released.
fn lock() -> (LockAttempt, Arc<()>) {
    let held = Arc::new(());
    (LockAttempt::Acquired(TokenLock::new(held.clone())), held)
}

fn is_released(held: &Arc<()>) -> bool {
    Arc::strong_count(held) == 1
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_as_soon_as_there_is_a_token() {
    let (cache, mut access) = scripted(|look| match look {
        20 => (LockAttempt::Busy, Some(cached("t0ken"))),
        _ => (LockAttempt::Busy, Some(cached("refused"))),
    });
    let start = Instant::now();
    let turn = access.turn(LOCK_TIMEOUT).await;
    assert!(matches!(turn, Turn::Cached(_)), "{turn:?}");
    assert_eq!(cache.looks.load(Ordering::SeqCst), 20);
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_never_ends_is_waited_for_no_longer_than_the_limit() {
    let (_, mut access) = scripted(|_| (LockAttempt::Busy, None));
    let start = Instant::now();
    let turn = access.turn(LOCK_TIMEOUT).await;
    assert!(matches!(turn, Turn::Fetch(None)), "{turn:?}");
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn the_owner_of_the_lock_reads_the_cache_again_and_releases_it_if_there_is_a_token() {
    let (attempt, held) = lock();
    let mut attempt = Some(attempt);
    let (_, mut access) = scripted(move |look| match look {
        3 => (attempt.take().unwrap(), Some(cached("t0ken"))),
        _ => (LockAttempt::Busy, None),
    });
    let turn = access.turn(LOCK_TIMEOUT).await;
    assert!(matches!(turn, Turn::Cached(_)), "{turn:?}");
    assert!(is_released(&held));

    let (attempt, held) = lock();
    let mut attempt = Some(attempt);
    let (_, mut access) = scripted(move |_| (attempt.take().unwrap(), Some(cached("refused"))));
    let turn = access.turn(LOCK_TIMEOUT).await;
    assert!(matches!(turn, Turn::Fetch(Some(_))), "{turn:?}");
    assert!(!is_released(&held));
    drop(turn);
    assert!(is_released(&held));
}

#[tokio::test(start_paused = true)]
async fn a_cache_that_cannot_lock_or_panics_does_not_delay_the_fetch() {
    let (_, mut access) = scripted(|_| (LockAttempt::Unsupported, None));
    let start = Instant::now();
    assert!(matches!(access.turn(LOCK_TIMEOUT).await, Turn::Fetch(None)));
    let (_, mut access) = scripted(|_| panic!("a cache never fails a call"));
    assert!(matches!(access.turn(LOCK_TIMEOUT).await, Turn::Fetch(None)));
    assert!(start.elapsed().is_zero());
}

#[tokio::test]
async fn a_hanging_cache_is_not_used_again_and_its_late_lock_is_released() {
    let (attempt, held) = lock();
    let mut attempt = Some(attempt);
    let (resume, hang) = mpsc::channel::<()>();
    let (cache, mut access) = scripted(move |_| {
        let _ = hang.recv();
        (attempt.take().unwrap(), None)
    });
    access.access_timeout = Duration::from_millis(1);
    let turn = access.turn(LOCK_TIMEOUT).await;
    assert!(matches!(turn, Turn::Fetch(None)), "{turn:?}");
    assert!(access.load().await.is_none());
    let turn = access.turn(LOCK_TIMEOUT).await;
    assert!(matches!(turn, Turn::Fetch(None)), "{turn:?}");
    drop(resume);
    while !is_released(&held) {
        tokio::task::yield_now().await;
    }
    assert_eq!(cache.looks.load(Ordering::SeqCst), 1, "no threads pile up");
}
