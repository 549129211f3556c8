//! Reads all pages of lists.

use std::pin::pin;

use atlas_model::cloud_backups::{ListBackupShardedClusters, ListBackupSnapshots};
use atlas_model::clusters::ListClusters;
use atlas_model::flex_snapshots::ListFlexBackupSnapshots;
use atlas_model::projects::ListGroups;
use atlas_model::{Operation, Paged};
use atlas_transport::Client;
use futures_util::StreamExt as _;

use super::typed::FromCall;
use super::{failed, raw, unsendable};
use crate::case::Outcome;
use crate::message::{CallMessage, Reply};

/// Reads a list by its type, if one is listed here, or by name.
pub(super) async fn read(client: &Client, call: &CallMessage) -> Reply {
    macro_rules! lists {
        ($( $list:ident ),*) => {
            match call.operation.as_str() {
                $( id if id == $list::META.id => walk::<$list>(client, call).await, )*
                _ => raw::list(client, call).await,
            }
        };
    }
    lists!(
        ListGroups,
        ListClusters,
        ListFlexBackupSnapshots,
        ListBackupSnapshots,
        ListBackupShardedClusters
    )
}

async fn walk<O>(client: &Client, call: &CallMessage) -> Reply
where
    O: Paged + FromCall + Send + Sync,
    O::Item: Send + 'static,
{
    let list = match O::from_call(call) {
        Ok(list) => list,
        Err(error) => return unsendable(&error),
    };
    let mut pages = pin!(client.pages(list));
    let mut items = 0;
    let mut reply = Reply::of(Outcome::of("ok"));
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => items += page.value.items().len() as u64,
            Err(error) => reply = failed(&error),
        }
    }
    reply.outcome.items = Some(items);
    reply
}
