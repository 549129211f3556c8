//! Waits until a change is complete, by polling another operation.

use std::time::Duration;

use atlas_transport::atlas_catalog::{RequestBuilder, Watch};
use atlas_transport::{Call, Client};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::failure::Failure;
use crate::log;

/// The first wait between two polls, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(20));

/// How long after its creation a resource may not be found yet.
const GRACE: Duration = Duration::from_secs(30);

/// A change to wait for.
#[derive(Clone, Copy)]
pub(crate) struct Change<'a> {
    /// The name of the change, for messages.
    pub(crate) what: &'a str,
    /// The request of the change.
    pub(crate) request: &'a RequestBuilder,
    /// The response to it.
    pub(crate) response: &'a Value,
    /// Whether this command has just created the resource, which may not be found yet.
    pub(crate) is_creation: bool,
}

/// Polls until a change is complete, for at most `seconds`.
pub(crate) async fn run(client: &Client, change: Change<'_>, seconds: u64) -> Result<(), Failure> {
    let what = change.what;
    let Some(watch) = change.request.operation().watch() else {
        return Ok(());
    };
    let deadline = Duration::from_secs(seconds);
    let grace = if change.is_creation {
        GRACE
    } else {
        Duration::ZERO
    };
    let start = Instant::now();
    let poll = poll(client, watch, change.request, change.response)?;
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
                Some(404) if start.elapsed() < grace => State::Pending("not found yet".to_owned()),
                _ if error.is_transient() => State::Pending("no response yet".to_owned()),
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
        "{what} was not complete within {seconds} s; wait longer or check again later"
    ))
}

/// The state of a change.
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
        return State::Pending("not deleted yet".to_owned());
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

/// The call that is repeated. Its parameters are those of the change, or fields of its response.
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
                "cannot watch {}: its response has no {source}",
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{Ready, ready};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll};

    use atlas_transport::{BaseUrl, Credentials};
    use bytes::Bytes;
    use http::{Request, Response};
    use http_body_util::Full;
    use serde_json::json;
    use tower_service::Service;

    use super::*;
    use crate::operation;

    /// Responds to the first two requests with 404, then with a completed job. Counts the requests.
    #[derive(Clone, Default)]
    struct Late(Arc<AtomicUsize>);

    impl Service<Request<Full<Bytes>>> for Late {
        type Response = Response<Full<Bytes>>;
        type Error = Infallible;
        type Future = Ready<Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
            let (status, body) = match self.0.fetch_add(1, Ordering::SeqCst) {
                0 | 1 => (404, r#"{"error":404,"errorCode":"NOT_FOUND"}"#),
                _ => (200, r#"{"status":"COMPLETED"}"#),
            };
            let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
            *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
            let json = http::HeaderValue::from_static("application/json");
            response.headers_mut().insert("content-type", json);
            ready(Ok(response))
        }
    }

    /// The result of a wait, and its number of requests.
    async fn waited(is_creation: bool) -> (Result<(), Failure>, usize) {
        let id = "32b6e34b3d91647abb20e7aa";
        let peer = Late::default();
        let base: BaseUrl = "http://localhost".parse().unwrap();
        let client = Client::builder(base, &Credentials::bearer("token"))
            .build_with(peer.clone())
            .unwrap();
        let request = operation::request("flexRestoreJobs.createFlexRestoreJob").unwrap();
        let change = Change {
            what: "the job",
            request: &request.parameter("groupId", id).parameter("name", "F"),
            response: &json!({"id": id}),
            is_creation,
        };
        let result = run(&client, change, 3600).await;
        (result, peer.0.load(Ordering::SeqCst))
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_resource_that_was_just_created_may_not_be_found_yet() {
        let (result, requests) = waited(true).await;
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(requests, 3);

        let (result, requests) = waited(false).await;
        assert_eq!(result.unwrap_err().exit_code(), 4);
        assert_eq!(requests, 1);
    }
}
