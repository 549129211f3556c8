//! Tests of lists with several pages.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use atlas_model::flex_snapshots::{FlexBackupSnapshot, ListFlexBackupSnapshots};
use atlas_model::{ItemsPerPage, PageNumber, Paging, PagingError};
use atlas_sandbox::{FLEX_CLUSTER, OWNER, PROJECT, SandboxServer};
use atlas_transport::{Client, Credentials, Error, ErrorKind, Phase};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use http_body_util::Full;

use crate::faults::service::Scripted;

fn snapshots(page: u16) -> ListFlexBackupSnapshots {
    let (project, cluster) = (PROJECT.parse().unwrap(), FLEX_CLUSTER.parse().unwrap());
    let mut list = ListFlexBackupSnapshots::new(project, cluster);
    list.items_per_page = ItemsPerPage::new(page);
    list
}

/// Returns the items of the list, and the number of requested pages.
async fn walk(page: u16) -> (Vec<FlexBackupSnapshot>, u64) {
    let server = SandboxServer::start().await.unwrap();
    let credentials = Credentials::bearer(OWNER.access_token);
    let client = Client::new(server.url().parse().unwrap(), &credentials).unwrap();
    let items = client.items(snapshots(page)).try_collect().await.unwrap();
    (items, server.with(|sandbox| sandbox.requests()))
}

#[tokio::test]
async fn a_list_has_the_same_items_in_pages_of_any_size_and_ends_with_the_last() {
    let (all, pages) = walk(500).await;
    assert_eq!((all.len(), pages), (8, 1));
    for (size, expected) in [(3, 3), (4, 2), (7, 2), (8, 1), (1, 8)] {
        let (items, pages) = walk(size).await;
        assert_eq!(items, all, "{size}");
        assert_eq!(pages, expected, "{size}");
    }
}

#[tokio::test]
async fn a_list_starts_at_the_page_that_the_caller_chose() {
    let server = SandboxServer::start().await.unwrap();
    let credentials = Credentials::bearer(OWNER.access_token);
    let client = Client::new(server.url().parse().unwrap(), &credentials).unwrap();
    let all: Vec<FlexBackupSnapshot> = client.items(snapshots(3)).try_collect().await.unwrap();
    for (page, left) in [(1, 8), (2, 5), (3, 2), (4, 0), (u32::MAX, 0)] {
        let mut list = snapshots(3);
        list.page_number = PageNumber::new(page);
        let items: Vec<FlexBackupSnapshot> = client.items(list).try_collect().await.unwrap();
        assert_eq!(items, all[8 - left..], "{page}");
    }
}

/// Returns a client and the number of its requests.
fn scripted(
    mut answer: impl FnMut(usize) -> (u16, String) + Send + 'static,
) -> (Client, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let base = "http://127.0.0.1:1".parse().unwrap();
    let builder = Client::builder(base, &Credentials::bearer("t0ken"));
    let client = builder.build_with(Scripted::new(move || {
        let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
        let (status, body) = answer(number);
        (status, String::new(), body)
    }));
    (client.unwrap(), asked)
}

/// Returns a page of one item with its number, with or without links.
fn page(number: usize, links: Option<&str>) -> (u16, String) {
    let links = links.map_or(String::new(), |links| format!(r#","links":[{links}]"#));
    let body = format!(r#"{{"results":[{{"status":"{number}"}}]{links}}}"#);
    (200, body)
}

async fn collect(client: &Client) -> (usize, Option<Error>) {
    let list = client.items(snapshots(1));
    let items: Vec<Result<FlexBackupSnapshot, Error>> = list.collect().await;
    let count = items.len();
    match items.into_iter().last() {
        Some(Err(error)) => (count - 1, Some(error)),
        _ => (count, None),
    }
}

/// Returns the cause of an incomplete list.
fn problem(error: Option<Error>) -> PagingError {
    let error = error.expect("an incomplete list is an error");
    match error.kind() {
        ErrorKind::List { problem, .. } => {
            let line = error.to_string();
            assert!(line.contains("the list is incomplete"), "{line}");
            assert_eq!(line.lines().count(), 1);
            problem.clone()
        }
        _ => panic!("{error}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_repeats_the_previous_one_is_an_error_and_its_items_are_not_returned() {
    let (client, asked) = scripted(|_| page(1, None));
    let (items, error) = collect(&client).await;
    assert_eq!((items, asked.load(Ordering::SeqCst)), (1, 2));
    assert_eq!(problem(error), PagingError::Repeated { pages: 2 });
}

#[tokio::test(start_paused = true)]
async fn an_object_without_results_is_not_an_empty_list() {
    for body in ["{}", r#"{"message":"moved"}"#, r#"{"results":null}"#] {
        let (client, _) = scripted(move |_| (200, body.to_owned()));
        let (items, error) = collect(&client).await;
        assert_eq!(items, 0, "{body}");
        assert_eq!(problem(error), PagingError::NoResults { pages: 1 });
    }
    let (client, _) = scripted(|_| (200, r#"{"results":[]}"#.to_owned()));
    assert!(matches!(collect(&client).await, (0, None)));
}

#[tokio::test(start_paused = true)]
async fn an_error_is_the_last_item_of_a_list() {
    let (client, _) = scripted(|number| match number {
        3 => (404, "{}".to_owned()),
        number => page(number, None),
    });
    let (items, error) = collect(&client).await;
    assert_eq!(items, 2);
    assert_eq!(error.unwrap().status().unwrap(), 404);
}

#[tokio::test(start_paused = true)]
async fn an_endless_list_is_an_error_after_the_maximum_number_of_pages() {
    for linked in [false, true] {
        let (client, asked) = scripted(move |number| {
            let next = format!(r#"{{"rel":"next","href":"?pageNum={}"}}"#, number + 1);
            page(number, linked.then_some(&*next))
        });
        let (items, error) = collect(&client).await;
        let most = Paging::MAX_PAGES as usize;
        assert_eq!((items, asked.load(Ordering::SeqCst)), (most, most));
        let pages = Paging::MAX_PAGES;
        assert_eq!(problem(error), PagingError::TooLong { pages });
    }
}

#[tokio::test(start_paused = true)]
async fn an_invalid_link_or_one_to_an_earlier_page_is_an_error_after_its_page() {
    for (href, problem_of_it) in [
        ("?pageNum=2", PagingError::Cycle { pages: 2 }),
        ("https://127.0.0.1/x", PagingError::BadLink { pages: 2 }),
        ("", PagingError::BadLink { pages: 2 }),
    ] {
        let (client, asked) = scripted(move |number| {
            let href = if number == 1 { "?pageNum=2" } else { href };
            let next = format!(r#"{{"rel":"next","href":"{href}"}}"#);
            page(number, Some(&next))
        });
        let (items, error) = collect(&client).await;
        assert_eq!((items, asked.load(Ordering::SeqCst)), (2, 2), "{href}");
        assert_eq!(problem(error), problem_of_it);
    }
}

/// Responds to each request after half a minute with a page that links to another one.
#[derive(Clone)]
struct Endless(Arc<AtomicUsize>);

impl tower_service::Service<http::Request<Full<Bytes>>> for Endless {
    type Response = http::Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<Full<Bytes>>) -> Self::Future {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(29)).await;
            let link = format!(
                r#"{{"rel":"next","href":"http://a/?pageNum={}"}}"#,
                number + 1
            );
            let (_, body) = page(number, Some(&link));
            Ok(http::Response::new(Full::new(body.into())))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn an_endless_list_ends_at_the_list_timeout() {
    for (limit, pages) in [(None, 20), (Some(Duration::from_secs(100)), 3)] {
        for typed in [true, false] {
            let asked = Arc::new(AtomicUsize::new(0));
            let base = "http://127.0.0.1:1".parse().unwrap();
            let mut builder = Client::builder(base, &Credentials::bearer("t0ken"));
            if let Some(limit) = limit {
                builder = builder.list_timeout(limit);
            }
            let client = builder.build_with(Endless(asked.clone())).unwrap();
            let start = tokio::time::Instant::now();
            let (items, error) = if typed {
                let (items, error) = collect(&client).await;
                (items, error.unwrap())
            } else {
                let call = client
                    .call("listGroupFlexClusterBackupSnapshots")
                    .parameter("groupId", PROJECT)
                    .parameter("name", FLEX_CLUSTER);
                let items: Vec<_> = call.items().collect().await;
                let count = items.len() - 1;
                (count, items.into_iter().last().unwrap().unwrap_err())
            };
            let list = ErrorKind::Timeout {
                phase: Phase::List,
                limit: limit.unwrap_or(Duration::from_secs(600)),
            };
            assert_eq!(error.kind().to_string(), list.to_string());
            assert!(list.to_string().contains("incomplete"), "{list}");
            assert_eq!(start.elapsed(), limit.unwrap_or(Duration::from_secs(600)));
            assert_eq!((items, asked.load(Ordering::SeqCst)), (pages, pages + 1));
        }
    }
}
