//! The settings of a client.

use std::time::Duration;

use crate::retry::RetryPolicy;

/// The settings that the clones of a client share.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) connect_timeout: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) list_timeout: Duration,
    pub(crate) response_limit: usize,
    pub(crate) header_limit: usize,
    pub(crate) page_limit: u32,
    pub(crate) item_limit: u64,
    pub(crate) user_agent: String,
}

/// The settings that each clone of a client can change.
#[derive(Debug, Clone)]
pub(crate) struct CallSettings {
    /// Whether every call counts as idempotent.
    pub(crate) idempotent: bool,
    pub(crate) total_timeout: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) min_rate: MinRate,
}

/// The minimum rate of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MinRate {
    /// Bytes a second; 0 for no minimum.
    pub(crate) bytes_per_second: u64,
    /// The window over which the rate is measured.
    pub(crate) window: Duration,
}

impl MinRate {
    /// Returns the minimum number of bytes in one window.
    pub(crate) fn bytes(&self) -> u64 {
        let bytes = u128::from(self.bytes_per_second).saturating_mul(self.window.as_millis());
        u64::try_from(bytes / 1000).unwrap_or(u64::MAX)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            list_timeout: Duration::from_secs(600),
            response_limit: 16 << 20,
            header_limit: 128 << 10,
            page_limit: atlas_model::Paging::MAX_PAGES,
            item_limit: atlas_model::Paging::MAX_ITEMS,
            user_agent: concat!("atlas-rs/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

impl Default for CallSettings {
    fn default() -> Self {
        Self {
            idempotent: false,
            total_timeout: Duration::from_secs(120),
            retry: RetryPolicy::default(),
            min_rate: MinRate {
                bytes_per_second: 10 << 10,
                window: Duration::from_secs(60),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_a_window_are_rate_times_time_whatever_the_numbers() {
        for (bytes_per_second, window, bytes) in [
            (10 << 10, Duration::from_secs(60), 614_400),
            (1, Duration::from_millis(1500), 1),
            (0, Duration::MAX, 0),
            (u64::MAX, Duration::MAX, u64::MAX),
            (1, Duration::ZERO, 0),
        ] {
            let rate = MinRate {
                bytes_per_second,
                window,
            };
            assert_eq!(rate.bytes(), bytes, "{rate:?}");
        }
    }
}
