//! Waiting until a change is complete: another operation is polled until its answer says so.

use std::time::Duration;

use atlas_transport::atlas_catalog::{RequestBuilder, Watch};
use atlas_transport::{Call, Client};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::failure::Failure;
use crate::log;

/// The first wait between two looks, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(20));

/// How long a resource may not be found that was just made.
const GRACE: Duration = Duration::from_secs(30);

/// Polls what belongs to the call that was answered, for so many seconds at most. `what` is waited for,
/// in words.
pub(crate) async fn run(
    client: &Client,
    what: &str,
    call: &RequestBuilder,
    answer: &Value,
    seconds: u64,
) -> Result<(), Failure> {
    let Some(watch) = call.operation().watch() else {
        return Ok(());
    };
    let deadline = Duration::from_secs(seconds);
    let start = Instant::now();
    let poll = poll(client, watch, call, answer)?;
    let mut wait = WAITS.0;
    let mut said = String::new();
    loop {
        let left = deadline.saturating_sub(start.elapsed());
        let Ok(polled) = timeout(left, poll.clone().send()).await else {
            return Err(late(what, seconds));
        };
        let state = match polled {
            Ok(answer) => state(
                watch,
                answer.meta.status.as_u16(),
                &answer.value.json().unwrap_or_default(),
            ),
            Err(error) => match error.status().map(|status| status.as_u16()) {
                Some(status) if Some(status) == watch.until.status => State::Done,
                // What was made a moment ago may not be found yet.
                Some(404) if start.elapsed() < GRACE => State::Pending("not found yet".to_owned()),
                _ if error.is_transient() => State::Pending("no answer yet".to_owned()),
                _ => return Err(error.into()),
            },
        };
        match state {
            State::Done => return Ok(()),
            State::Failed(state) => {
                return Err(Failure::Watch(format!("{what} ended as {state}")));
            }
            State::Pending(state) => {
                if said != state {
                    log::note(&format!("waiting for {what}: {state}"));
                    said = state;
                }
            }
        }
        let left = deadline.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Err(late(what, seconds));
        }
        sleep(wait.min(left)).await;
        wait = wait
            .saturating_mul(3)
            .checked_div(2)
            .unwrap_or(WAITS.1)
            .min(WAITS.1);
    }
}

fn late(what: &str, seconds: u64) -> Failure {
    Failure::Deadline(format!(
        "{what} was not complete within {seconds} s; wait longer or look again"
    ))
}

/// How far the change is.
enum State {
    Pending(String),
    Done,
    Failed(String),
}

fn state(watch: &Watch, status: u16, answer: &Value) -> State {
    if Some(status) == watch.until.status {
        return State::Done;
    }
    let Some(path) = watch.until.path.as_deref() else {
        return State::Pending("still there".to_owned());
    };
    let state = match field(answer, path) {
        Some(Value::String(state)) => state.clone(),
        Some(other) => other.to_string(),
        None => return State::Pending("no state yet".to_owned()),
    };
    if watch.until.values.contains(&state) {
        State::Done
    } else if watch.fail.contains(&state) {
        State::Failed(state)
    } else {
        State::Pending(state)
    }
}

/// The call that is repeated: its parameters are those of the change, or fields of its answer.
fn poll(
    client: &Client,
    watch: &'static Watch,
    call: &RequestBuilder,
    answer: &Value,
) -> Result<Call, Failure> {
    let mut poll = client.call(&watch.get).version(&watch.version);
    for (name, source) in &watch.params {
        let value = match source.split_once(':') {
            Some(("input", name)) => call.value(name).map(str::to_owned),
            Some(("body", path)) => field(answer, path).and_then(|value| match value {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            }),
            _ => None,
        };
        let value = value.ok_or_else(|| {
            Failure::Watch(format!(
                "cannot watch {}: its answer has no {source}",
                call.operation()
            ))
        })?;
        poll = poll.parameter(name, value);
    }
    Ok(poll)
}

/// A field by a path such as `$.state`.
fn field<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let steps = path.strip_prefix("$.")?.split('.');
    steps
        .into_iter()
        .try_fold(value, |value, step| value.get(step))
}
