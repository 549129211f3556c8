//! Calls operations by name.

use std::pin::pin;

use atlas_transport::Client;
use futures_util::StreamExt as _;

use super::failed;
use crate::case::Outcome;
use crate::message::{CallMessage, Reply};

/// Returns the client's call with every value of the message.
fn prepared(client: &Client, call: &CallMessage) -> atlas_transport::Call {
    let mut prepared = client.call(&call.operation).version(&call.version);
    for (name, value) in &call.parameters {
        prepared = prepared.parameter(name, value);
    }
    for (name, values) in &call.query {
        for value in values.all() {
            prepared = prepared.parameter(name, value);
        }
    }
    for (name, is_set) in [("envelope", call.envelope), ("pretty", call.pretty)] {
        if is_set {
            prepared = prepared.parameter(name, true);
        }
    }
    match &call.body {
        Some(body) => prepared.json(body.clone()),
        None => prepared,
    }
}

/// Makes a call and reads the response.
pub(super) async fn call(client: &Client, call: &CallMessage) -> Reply {
    match prepared(client, call).send().await {
        Ok(answer) => Reply {
            output: format!("{client:?} {:?}", answer.meta),
            value: answer.value.json().ok(),
            ..Reply::of(Outcome::of("ok"))
        },
        Err(error) => failed(&error),
    }
}

/// Reads all pages of a list.
pub(super) async fn list(client: &Client, call: &CallMessage) -> Reply {
    let mut items = pin!(prepared(client, call).items());
    let mut reply = Reply::of(Outcome::of("ok"));
    let mut count = 0;
    while let Some(item) = items.next().await {
        match item {
            Ok(_) => count += 1,
            Err(error) => reply = failed(&error),
        }
    }
    reply.outcome.items = Some(count);
    reply
}
