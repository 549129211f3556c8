//! The clock of a served world: a source of time that can be moved, set and stopped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// Where the time comes from.
pub(crate) type Source = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A clock that its connections share.
pub(crate) struct Clock {
    source: Source,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How far it is from its source.
    moved: SignedDuration,
    /// When it was stopped, if it is.
    stopped: Option<Timestamp>,
}

impl Clock {
    pub(crate) fn new(source: Source) -> Self {
        Self {
            source,
            state: Mutex::default(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now_in(&self.state())
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.state().stopped.is_some()
    }

    /// Moves it on, up to its end.
    pub(crate) fn advance(&self, seconds: u32) {
        self.advance_in(&mut self.state(), seconds);
    }

    /// Moves it on, or gives its end if it would pass that.
    pub(crate) fn try_advance(&self, seconds: u32) -> Result<(), Timestamp> {
        let mut state = self.state();
        let left = CLOCK_END.duration_since(self.now_in(&state));
        if left < SignedDuration::from_secs(seconds.into()) {
            return Err(CLOCK_END);
        }
        self.advance_in(&mut state, seconds);
        Ok(())
    }

    /// Lets it go as its source does.
    pub(crate) fn follow_source(&self) {
        *self.state() = State::default();
    }

    /// Sets it to a time, or to its first or last one if the time is beyond; then stops it, or lets
    /// it go on. What is `None` stays as it is.
    pub(crate) fn set(&self, now: Option<Timestamp>, stopped: Option<bool>) {
        let mut state = self.state();
        let now = now.unwrap_or_else(|| self.now_in(&state));
        let now = now.clamp(CLOCK_START, CLOCK_END);
        if stopped.unwrap_or(state.stopped.is_some()) {
            state.stopped = Some(now);
        } else {
            state.stopped = None;
            state.moved = now.duration_since((self.source)());
        }
    }

    fn now_in(&self, state: &State) -> Timestamp {
        let now = state
            .stopped
            .unwrap_or_else(|| later((self.source)(), state.moved));
        now.min(CLOCK_END)
    }

    /// Not beyond the end: a clock that is set back from there must not have to catch up.
    fn advance_in(&self, state: &mut State, seconds: u32) {
        let by = SignedDuration::from_secs(seconds.into());
        let now = later(self.now_in(state), by).min(CLOCK_END);
        if state.stopped.is_some() {
            state.stopped = Some(now);
        } else {
            state.moved = now.duration_since((self.source)());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").finish_non_exhaustive()
    }
}

/// A time moved by a duration, as far as times go.
fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    let end = if by.is_negative() {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    time.checked_add(by).unwrap_or(end)
}

/// The earliest time that it can be set to: 1970-01-01T00:00:00Z.
pub(crate) const CLOCK_START: Timestamp = Timestamp::UNIX_EPOCH;

/// Where it stops: 9000-01-01T00:00:00Z, so that what ends later can still be told.
pub(crate) const CLOCK_END: Timestamp = Timestamp::constant(221_845_392_000, 0);
