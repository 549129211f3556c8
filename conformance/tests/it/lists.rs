//! Lists, page by page.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use atlas_model::{FlexSnapshot, ItemsPerPage, ListFlexSnapshots};
use atlas_sandbox::{FLEX_CLUSTER, OWNER, PROJECT, SandboxServer};
use atlas_transport::{Client, Credentials, Error};
use futures_util::{StreamExt, TryStreamExt};

use crate::faults::service::Scripted;

fn snapshots(page: u16) -> ListFlexSnapshots {
    let (project, cluster) = (PROJECT.parse().unwrap(), FLEX_CLUSTER.parse().unwrap());
    let mut list = ListFlexSnapshots::new(project, cluster);
    list.items_per_page = ItemsPerPage::new(page);
    list
}

/// The items of the list, and how many pages were asked for.
async fn walk(page: u16) -> (Vec<FlexSnapshot>, u64) {
    let server = SandboxServer::start().await.unwrap();
    let credentials = Credentials::bearer(OWNER.access_token);
    let client = Client::new(server.url().parse().unwrap(), &credentials).unwrap();
    let items = client.items(snapshots(page)).try_collect().await.unwrap();
    (items, server.with(|sandbox| sandbox.requests()))
}

#[tokio::test]
async fn a_list_has_the_same_items_in_pages_of_any_size_and_ends_after_a_short_one() {
    let (all, pages) = walk(500).await;
    assert_eq!((all.len(), pages), (8, 1));
    for (size, expected) in [(3, 3), (4, 3), (7, 2), (8, 2), (1, 9)] {
        let (items, pages) = walk(size).await;
        assert_eq!(items, all, "{size}");
        assert_eq!(pages, expected, "{size}");
    }
}

fn scripted(answer: impl FnMut() -> (u16, String, String) + Send + 'static) -> Client {
    let base = "http://127.0.0.1:1".parse().unwrap();
    let builder = Client::builder(base, &Credentials::bearer("t0ken"));
    builder.build_with(Scripted::new(answer)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_server_that_repeats_itself_ends_the_list_and_an_error_is_its_last_item() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let page = r#"{"results": [{"status": "PENDING"}]}"#;
    let client = scripted(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        (200, String::new(), page.to_owned())
    });
    let items: Vec<FlexSnapshot> = client.items(snapshots(1)).try_collect().await.unwrap();
    assert_eq!((items.len(), asked.load(Ordering::SeqCst)), (1, 2));

    let mut number = 0;
    let client = scripted(move || {
        number += 1;
        if number == 3 {
            return (404, String::new(), "{}".to_owned());
        }
        let page = format!(r#"{{"results": [{{"status": "{number}"}}]}}"#);
        (200, String::new(), page)
    });
    let items: Vec<Result<FlexSnapshot, Error>> = client.items(snapshots(1)).collect().await;
    assert_eq!(items.len(), 3);
    assert!(items[1].is_ok() && items[2].is_err());
}
