//! The mutex for state shared by calls; under `--cfg shuttle`, all interleavings are explored.

#[cfg(not(all(test, shuttle)))]
type Lock<T> = std::sync::Mutex<T>;
#[cfg(all(test, shuttle))]
type Lock<T> = shuttle::sync::Mutex<T>;
#[cfg(not(all(test, shuttle)))]
type Guard<'a, T> = std::sync::MutexGuard<'a, T>;
#[cfg(all(test, shuttle))]
type Guard<'a, T> = shuttle::sync::MutexGuard<'a, T>;

/// A mutex that is never poisoned: every step leaves its content consistent, so a panic elsewhere
/// cannot have broken it. It is never held across an await.
pub(crate) struct Mutex<T>(Lock<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Lock::new(value))
    }

    pub(crate) fn lock(&self) -> Guard<'_, T> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
