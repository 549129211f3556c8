//! Lists, read to their end.

use std::pin::pin;

use atlas_model::{
    Erased, ListClusters, ListFlexSnapshots, ListProjects, ListShardedSnapshots, ListSnapshots,
    Operation, Paged,
};
use atlas_transport::Client;
use futures_util::StreamExt;

use super::{failed, reader, unsendable};
use crate::case::Outcome;
use crate::message::{Answer, CallMessage};

/// Reads at most so many pages of a list.
pub(super) async fn read(
    client: &Client,
    operation: &Erased,
    call: &CallMessage,
    pages: usize,
) -> Answer {
    macro_rules! lists {
        ($( $list:ident ),*) => {
            match operation.meta.id {
                $( id if id == $list::META.id => walk::<$list>(client, call, pages).await, )*
                _ => unsendable("the operation is none of the lists that are read to their end"),
            }
        };
    }
    lists!(
        ListProjects,
        ListClusters,
        ListFlexSnapshots,
        ListSnapshots,
        ListShardedSnapshots
    )
}

async fn walk<O>(client: &Client, call: &CallMessage, pages: usize) -> Answer
where
    O: Paged + Send + Sync,
    O::Item: Send,
{
    let list = match O::decode(&reader(O::META, call)) {
        Ok(list) => list,
        Err(error) => return unsendable(&error.to_string()),
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
