//! Requests of single operations of the API, and their responses.

use atlas_model::bytes::Bytes;
use atlas_model::{ClusterName, ProjectId};
use atlas_transport::atlas_catalog::{Operation, RequestBuilder};
use atlas_transport::retry::Outcome;
use atlas_transport::{Attempt, Client, Error};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::args::PageArgs;
use crate::failure::Failure;
use crate::log;
use crate::output::{Output, read};
use crate::print::print;
use crate::signals::{self, UnderWay};
use crate::table::{self, Column};

/// Starts a request of an operation, named by its id or by tag and short id.
pub(crate) fn request(name: &str) -> Result<RequestBuilder, Failure> {
    Operation::find(name)
        .map(Operation::request)
        .ok_or_else(|| Failure::Usage(format!("unknown operation {name}")))
}

/// Starts a request of an operation on a project.
pub(crate) fn of_project(name: &str, project: ProjectId) -> Result<RequestBuilder, Failure> {
    Ok(request(name)?.parameter("groupId", project))
}

/// Starts a request of an operation on a cluster, whose parameters are `groupId` and `clusterName`.
pub(crate) fn of_cluster(
    name: &str,
    project: ProjectId,
    cluster: &ClusterName,
) -> Result<RequestBuilder, Failure> {
    Ok(of_project(name, project)?.parameter("clusterName", cluster))
}

/// Adds the parameters of a page of a list.
fn paged(mut request: RequestBuilder, page: &PageArgs) -> RequestBuilder {
    for (name, value) in page.parameters() {
        request = request.parameter(name, value);
    }
    request
}

/// Cuts a page out of a list that Atlas returns as a whole; the text is `N of TOTAL shown` if the list has
/// more items.
fn sliced(body: &[u8], page: &PageArgs) -> Result<(Bytes, Option<String>), Failure> {
    #[derive(Deserialize, Serialize)]
    #[serde(rename_all = "camelCase")]
    struct List<'a> {
        #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
        links: Vec<&'a RawValue>,
        #[serde(borrow)]
        results: Vec<&'a RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        total_count: Option<u64>,
    }
    let unreadable = |error| Failure::Answer(format!("the response is not a valid list: {error}"));
    let mut list: List<'_> = serde_json::from_slice(body).map_err(unreadable)?;
    let total = list.results.len() as u64;
    list.total_count = page.counts().then(|| list.total_count.unwrap_or(total));
    list.results = page.of(&list.results).to_vec();
    let shown = list.results.len() as u64;
    let note = page
        .has_more(total)
        .then(|| format!("{shown} of {total} shown"));
    let body = serde_json::to_vec(&list).map_err(unreadable)?;
    Ok((body.into(), note))
}

/// Checks that a request can be sent. An invalid parameter is a usage error.
pub(crate) fn check(request: &RequestBuilder) -> Result<(), Failure> {
    match request.build() {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::Usage(error.to_string())),
    }
}

/// Sends a request and returns the body of the response.
pub(crate) async fn send(client: &Client, request: RequestBuilder) -> Result<Bytes, Failure> {
    check(&request)?;
    let answer = client.call_request(request).send().await?;
    Ok(answer.body.bytes().clone())
}

/// Sends a request that creates something and returns the response, an object with an id.
pub(crate) async fn create(client: &Client, request: RequestBuilder) -> Result<Bytes, Failure> {
    let has_id = |body: &Value| ["id", "_id"].iter().any(|id| body[id].is_string());
    change_to(client, request, has_id).await
}

/// Sends a request that changes something and returns the response, an object.
pub(crate) async fn change(client: &Client, request: RequestBuilder) -> Result<Bytes, Failure> {
    change_to(client, request, Value::is_object).await
}

/// After the request was accepted, no failure states that it was refused or can be retried.
async fn change_to(
    client: &Client,
    request: RequestBuilder,
    fits: impl Fn(&Value) -> bool,
) -> Result<Bytes, Failure> {
    let body = change_bare(client, request.clone()).await?;
    if serde_json::from_slice(&body).is_ok_and(|body: Value| fits(&body)) {
        return Ok(body);
    }
    Err(Failure::Unconfirmed(format!(
        "{} was accepted, but its response cannot be read; check before retrying",
        request.operation()
    )))
}

/// Sends a request that changes something and returns the response unchecked.
async fn change_bare(client: &Client, request: RequestBuilder) -> Result<Bytes, Failure> {
    check(&request)?;
    let is_idempotent = request.operation().method().is_idempotent();
    signals::begin(UnderWay::Change);
    let sent = client.call_request(request).send().await;
    signals::begin(match sent {
        Ok(_) => UnderWay::Accepted,
        Err(_) => UnderWay::Nothing,
    });
    match sent {
        Ok(answer) => Ok(answer.body.bytes().clone()),
        Err(error) => Err(Failure::of_change(error, is_idempotent)),
    }
}

/// Deletes something and prints that. A 404 after an attempt with an unknown result is not a failure.
pub(crate) async fn delete(
    client: &Client,
    request: RequestBuilder,
    what: &str,
) -> Result<(), Failure> {
    match change_bare(client, request).await {
        Ok(_) => print(format!("{what} deleted").as_bytes()),
        Err(Failure::Call(error)) if is_gone(&error) => {
            log::problem(&format!(
                "{what} was not found on retry; the first attempt may have deleted it, or it never \
                 existed"
            ));
            Ok(())
        }
        Err(failure) => Err(failure),
    }
}

/// Whether something was not found and an earlier attempt may have deleted it.
pub(crate) fn is_gone(error: &Error) -> bool {
    let may_have_been = |attempt: &Attempt| match &attempt.outcome {
        Outcome::Answered { status, .. } => status.is_server_error(),
        Outcome::NotSent => false,
        _ => true,
    };
    error.status() == Some(StatusCode::NOT_FOUND) && error.attempts().iter().any(may_have_been)
}

/// Requests a page of a list and prints it; `table` renders its items for people.
pub(crate) async fn print_page(
    client: &Client,
    request: RequestBuilder,
    page: &PageArgs,
    output: &Output,
    table: impl FnOnce(&[Value]) -> String,
) -> Result<(), Failure> {
    let is_paged = request.operation().is_paged();
    let request = if is_paged {
        paged(request, page)
    } else {
        request
    };
    let mut body = send(client, request.clone()).await?;
    let mut note = None;
    if !is_paged && !page.is_default() {
        (body, note) = sliced(&body, page)?;
    }
    let page = read(&body)?;
    if !page["results"].is_array() {
        return Err(Failure::Answer(format!(
            "the response to {} is not a list; check the base URL",
            request.operation()
        )));
    }
    output.document(&body, |page| Ok(table(items(page))))?;
    if let Some(line) = note.or_else(|| what_is_cut(&request, &page)) {
        log::note(&format!("{line}; pass --page or --limit for more"));
    }
    Ok(())
}

/// Requests one object and prints it, with these columns for people.
pub(crate) async fn print_one(
    client: &Client,
    request: RequestBuilder,
    output: &Output,
    columns: &[Column],
) -> Result<(), Failure> {
    let body = send(client, request.clone()).await?;
    output.document(&body, |found| match found {
        Value::Object(_) => Ok(table::of_items(columns, std::slice::from_ref(found))),
        _ => Err(not_an_object(&request)),
    })
}

/// The failure of a response that is not an object.
pub(crate) fn not_an_object(request: &RequestBuilder) -> Failure {
    let operation = request.operation();
    Failure::Answer(format!(
        "the response to {operation} is not an object; check the base URL"
    ))
}

/// The items of a page.
pub(crate) fn items(page: &Value) -> &[Value] {
    page["results"].as_array().map_or(&[], Vec::as_slice)
}

/// Notes on stderr that a list has more items than were printed.
pub(crate) fn note_what_is_cut(request: &RequestBuilder, page: &Value, hint: &str) {
    if let Some(line) = what_is_cut(request, page) {
        log::note(&format!("{line}; {hint}"));
    }
}

fn what_is_cut(request: &RequestBuilder, page: &Value) -> Option<String> {
    let results = page["results"].as_array()?;
    let links = page["links"].as_array().filter(|links| !links.is_empty());
    let mut next = links.into_iter().flatten();
    let has_next = next.any(|link| link["rel"] == "next");
    if !has_next && links.is_some() {
        return None;
    }
    let number = |name: &str, default: u64| {
        request
            .value(name)
            .and_then(|value| value.parse().ok())
            .unwrap_or(default)
    };
    let before = number("pageNum", 1)
        .saturating_sub(1)
        .saturating_mul(number("itemsPerPage", 100));
    let seen = before.saturating_add(results.len() as u64);
    let total = page["totalCount"].as_u64().filter(|total| *total > seen);
    match total {
        Some(total) => Some(format!("{} of {total} shown", results.len())),
        None if has_next => Some(format!("{} shown, the list continues", results.len())),
        None => None,
    }
}
