//! The clock of a server: a time source that can be advanced, set and stopped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// The source of the time.
pub(crate) type Source = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A clock shared by all connections.
pub(crate) struct Clock {
    source: Source,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The offset from the source.
    moved: SignedDuration,
    /// The time at which the clock was stopped, if it is stopped.
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

    /// Advances the clock, at most to its end.
    pub(crate) fn advance(&self, seconds: u32) {
        self.advance_in(&mut self.state(), seconds);
    }

    /// Advances the clock; the error is its end if the clock would pass that.
    pub(crate) fn try_advance(&self, seconds: u32) -> Result<(), Timestamp> {
        let mut state = self.state();
        let left = CLOCK_END.duration_since(self.now_in(&state));
        if left < SignedDuration::from_secs(seconds.into()) {
            return Err(CLOCK_END);
        }
        self.advance_in(&mut state, seconds);
        Ok(())
    }

    /// Removes any offset and stop: the clock follows its source.
    pub(crate) fn follow_source(&self) {
        *self.state() = State::default();
    }

    /// Sets the clock to a time, clamped to its range; then stops or resumes it. `None` leaves that
    /// part unchanged.
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

    /// Clamped to the end: a clock that is set back from there must not have to catch up.
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

/// Adds a duration to a time, clamped to the range of times.
fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    let end = if by.is_negative() {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    time.checked_add(by).unwrap_or(end)
}

/// The earliest time of the clock: 1970-01-01T00:00:00Z.
pub(crate) const CLOCK_START: Timestamp = Timestamp::UNIX_EPOCH;

/// The latest time of the clock: 9000-01-01T00:00:00Z, so that times after it can still be
/// represented.
pub(crate) const CLOCK_END: Timestamp = Timestamp::constant(221_845_392_000, 0);
