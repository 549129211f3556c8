//! Slows down before a rate limit is reached, to avoid 429.
//!
//! Atlas's limits are token buckets that refill by two fifths or more of their size in a minute.
//! Once less than a twentieth of a bucket remains, the client's calls are spread out to that rate.

use std::time::Duration;

use atlas_model::RateLimit;
use tokio::time::Instant;

#[derive(Debug, Default)]
pub(crate) struct Pace {
    slow: Option<Slow>,
}

#[derive(Debug)]
struct Slow {
    /// The size of the bucket that is nearly empty; it identifies the bucket.
    limit: u64,
    interval: Duration,
    /// The time of the next free turn.
    next: Instant,
    /// The time after which the server's last numbers are outdated.
    until: Instant,
}

/// The time in which a bucket refills by two fifths or more.
const PERIOD: Duration = Duration::from_secs(60);

impl Pace {
    /// Returns whether calls are spread out. Cheap, since each call checks it.
    pub(crate) fn is_slow(&self) -> bool {
        self.slow.is_some()
    }

    /// Reserves the next turn and returns its time; `None` for at once. It is never later than the time at
    /// which the server's numbers are outdated.
    pub(crate) fn reserve(&mut self, now: Instant) -> Option<Instant> {
        let slow = self.slow.as_mut()?;
        if now >= slow.until {
            self.slow = None;
            return None;
        }
        let at = slow.next.max(now);
        slow.next = at + slow.interval;
        (at > now).then(|| at.min(slow.until))
    }

    /// Returns a reserved turn that is not used: later calls move forward.
    pub(crate) fn give_back(&mut self) {
        if let Some(slow) = &mut self.slow {
            slow.next = slow.next.checked_sub(slow.interval).unwrap_or(slow.next);
        }
    }

    /// Records the rate limit of a response.
    pub(crate) fn observe(&mut self, rate: RateLimit, now: Instant) {
        let (Some(limit), remaining) = (rate.limit, rate.remaining) else {
            return;
        };
        if limit == 0 || remaining.saturating_mul(20) >= limit {
            if self.slow.as_ref().is_some_and(|slow| slow.limit == limit) {
                self.slow = None;
            }
            return;
        }
        let a_minutes_worth = u32::try_from(limit.saturating_mul(2) / 5).unwrap_or(u32::MAX);
        let interval = PERIOD / a_minutes_worth.max(1);
        let next = match &self.slow {
            // Calls with a later turn go when the earlier numbers are outdated.
            Some(slow) if slow.limit == limit => slow.next.min(slow.until),
            _ => {
                tracing::info!(
                    limit,
                    remaining,
                    ?interval,
                    "near the rate limit; slowing down"
                );
                now + interval
            }
        };
        self.slow = Some(Slow {
            limit,
            interval,
            next,
            until: now + PERIOD,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(limit: u64, remaining: u64) -> RateLimit {
        let mut rate = RateLimit::default();
        (rate.limit, rate.remaining) = (Some(limit), remaining);
        rate
    }

    #[tokio::test(start_paused = true)]
    async fn calls_are_spread_out_near_the_limit_and_only_there() {
        let start = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.reserve(start), None);
        pace.observe(rate(1200, 60), start);
        assert_eq!(pace.reserve(start), None);
        pace.observe(rate(1200, 59), start);
        for count in 1..4 {
            let at = pace.reserve(start).unwrap();
            assert_eq!(at - start, Duration::from_millis(125) * count);
        }
        // Another bucket's state does not matter for this one; its own does.
        pace.observe(rate(10_000, 9_999), start);
        assert!(pace.reserve(start).is_some());
        pace.observe(rate(1200, 500), start);
        assert_eq!(pace.reserve(start), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_returned_turn_is_reused_and_no_turn_is_later_than_the_period() {
        let start = Instant::now();
        let mut pace = Pace::default();
        pace.observe(rate(10, 0), start);
        let first = pace.reserve(start).unwrap();
        for _ in 0..100 {
            assert!(pace.reserve(start).unwrap() > first);
            pace.give_back();
        }
        let second = pace.reserve(start).unwrap();
        assert_eq!(second - start, (first - start) * 2);
        // No turn is later than the period, however many wait; and after all are dropped, none is reused twice.
        for _ in 0..100 {
            assert!(pace.reserve(start).unwrap() - start <= PERIOD);
        }
        for _ in 0..100 {
            pace.give_back();
        }
        assert_eq!(pace.reserve(start).unwrap() - start, (first - start) * 3);
    }

    #[tokio::test(start_paused = true)]
    async fn outdated_numbers_do_not_slow_calls_down() {
        let start = Instant::now();
        let mut pace = Pace::default();
        pace.observe(rate(1, 0), start);
        assert!(pace.reserve(start).is_some());
        assert_eq!(pace.reserve(start + PERIOD), None);
        assert_eq!(pace.reserve(start), None);
    }
}
