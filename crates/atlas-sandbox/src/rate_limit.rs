//! Rate limits as token buckets: one for each login and group of operations, as in Atlas.

use std::collections::BTreeMap;

use atlas_catalog::Operation;
use atlas_model::ApiError;
use atlas_model::api_error::code;
use http::StatusCode;
use jiff::Timestamp;

use crate::world::Sandbox;

/// The period of a refill, in seconds.
const PERIOD: i64 = 60;
/// The number of parts of a token, so that a bucket fills evenly without fractions.
const PART: i64 = PERIOD * 1000;

/// The capacity of a bucket, and its refill per minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limit {
    capacity: i64,
    refill: i64,
}

impl Limit {
    const TOKEN_REQUESTS: Self = Self {
        capacity: 10,
        refill: 10,
    };

    fn of(operation: Operation) -> (&'static str, Self) {
        let (group, capacity, refill) = match operation.tag().name() {
            tag if tag.starts_with("Shared-Tier") => ("tenant", 4000, 2000),
            "Clusters" => ("clusters", 10_000, 5000),
            "Projects" => ("projects", 1200, 500),
            tag if tag.starts_with("Flex") => ("flex", 1200, 500),
            _ => ("backups", 1200, 500),
        };
        (group, Self { capacity, refill })
    }
}

/// The buckets of all logins.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    parts: BTreeMap<(u64, &'static str), (i64, Timestamp)>,
}

impl Buckets {
    /// Keeps the buckets of these logins and those of requests without a login.
    pub(crate) fn retain(&mut self, wanted: impl Fn(u64) -> bool) {
        self.parts
            .retain(|(number, _), _| *number == 0 || wanted(*number));
    }
}

/// The state of a bucket after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) limit: i64,
    pub(crate) remaining: i64,
}

impl Sandbox {
    /// Takes a token for a request; the error has the 429 to return and the seconds to wait.
    pub(crate) fn take_token(
        &mut self,
        now: Timestamp,
        account: u64,
        operation: Operation,
    ) -> Result<Level, (ApiError, i64, Level)> {
        let (group, limit) = Limit::of(operation);
        self.take(now, account, group, limit)
            .map_err(|(wait, level)| (empty(operation.id(), limit, wait), wait, level))
    }

    /// Takes a token for a request to the token endpoint, in the same way.
    pub(crate) fn take_token_request(
        &mut self,
        now: Timestamp,
        account: u64,
    ) -> Result<(), (ApiError, i64)> {
        let taken = self.take(now, account, "token", Limit::TOKEN_REQUESTS);
        taken
            .map(drop)
            .map_err(|(wait, _)| (empty("/api/oauth/token", Limit::TOKEN_REQUESTS, wait), wait))
    }

    /// Takes a token from a bucket; the error is the number of seconds until there is one.
    fn take(
        &mut self,
        now: Timestamp,
        account: u64,
        group: &'static str,
        limit: Limit,
    ) -> Result<Level, (i64, Level)> {
        let key = (account, group);
        let full = limit.capacity * PART;
        let (parts, at) = self.buckets.parts.entry(key).or_insert((full, now));
        let passed = i64::try_from(now.duration_since(*at).as_millis())
            .unwrap_or(0)
            .max(0);
        *parts = passed
            .saturating_mul(limit.refill)
            .saturating_add(*parts)
            .min(full);
        *at = now;
        let level = |parts: i64| Level {
            limit: limit.capacity,
            remaining: parts / PART,
        };
        if *parts < PART && self.limits_rates {
            let missing = PART - *parts;
            let wait = (missing / limit.refill / 1000 + 1).min(PERIOD);
            return Err((wait, level(*parts)));
        }
        *parts = (*parts - PART).max(0);
        Ok(level(*parts))
    }

    /// Sets whether requests beyond the rate limits of Atlas, for operations and for tokens, return
    /// 429; `true` by default.
    pub fn limit_rates(&mut self, limit: bool) {
        self.limits_rates = limit;
    }
}

fn empty(endpoint: &str, limit: Limit, wait: i64) -> ApiError {
    let numbers = [wait, limit.capacity, limit.refill, PERIOD];
    let mut parameters = vec![endpoint.into()];
    parameters.extend(numbers.map(serde_json::Value::from));
    let error = ApiError::new(
        StatusCode::TOO_MANY_REQUESTS,
        code::RATE_LIMITED_TOKEN_BUCKET,
        format!("The bucket of {endpoint} is empty."),
    );
    error.with_parameters(parameters)
}
