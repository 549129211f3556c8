//! Lists, read to their end.

use std::pin::pin;

use atlas_model::cloud_backups::{ListBackupShardedClusters, ListBackupSnapshots};
use atlas_model::clusters::ListClusters;
use atlas_model::flex_snapshots::ListFlexBackupSnapshots;
use atlas_model::projects::ListGroups;
use atlas_model::{Operation, Paged};
use atlas_transport::Client;
use futures_util::StreamExt;

use super::typed::FromCall;
use super::{failed, unsendable};
use crate::case::Outcome;
use crate::message::{Answer, CallMessage};

/// Reads at most so many pages of a list.
pub(super) async fn read(client: &Client, call: &CallMessage, pages: usize) -> Answer {
    macro_rules! lists {
        ($( $list:ident ),*) => {
            match call.operation.as_str() {
                $( id if id == $list::META.id => walk::<$list>(client, call, pages).await, )*
                _ => unsendable("the operation is none of the lists that are read to their end"),
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

async fn walk<O>(client: &Client, call: &CallMessage, pages: usize) -> Answer
where
    O: Paged + FromCall + Send + Sync,
    O::Item: Send + 'static,
{
    let list = match O::from_call(call) {
        Ok(list) => list,
        Err(error) => return unsendable(&error),
    };
    let mut pages = pin!(client.pages(list).take(pages));
    let mut items = 0;
    let mut answer = Answer {
        outcome: Outcome::of("ok"),
        output: String::new(),
    };
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => items += page.value.items().len() as u64,
            Err(error) => answer = failed(&error),
        }
    }
    answer.outcome.items = Some(items);
    answer
}
