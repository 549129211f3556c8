//! Lists, page by page.

use atlas_model::{Answer, ItemsPerPage, Page, PageNumber, Paged};
use futures_core::Stream;
use futures_util::stream;

use crate::client::Client;
use crate::error::Error;

/// Where a list is.
enum At<O: Paged> {
    /// Before a page; the items of the one before it, to see a server repeat itself.
    Before(O, PageNumber, Vec<O::Item>),
    End,
}

impl Client {
    /// Follows a list from its first page to its last, 500 items a page unless the operation says
    /// otherwise.
    ///
    /// The list is at its end after a page with fewer items than it could have, or with the same
    /// items as the page before it, which is not given again. An error is the last item.
    ///
    /// ```no_run
    /// # async fn run(client: atlas_transport::Client) -> Result<(), atlas_transport::Error> {
    /// use std::pin::pin;
    ///
    /// use atlas_model::ListProjects;
    /// use futures_util::TryStreamExt;
    ///
    /// let mut projects = pin!(client.items(ListProjects::new()));
    /// while let Some(project) = projects.try_next().await? {
    ///     println!("{:?}", project.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn pages<O>(
        &self,
        operation: O,
    ) -> impl Stream<Item = Result<Answer<Page<O::Item>>, Error>> + Send + use<O>
    where
        O: Paged + Send + Sync,
        O::Item: Send,
    {
        let client = self.clone();
        let size = operation.page_size().unwrap_or(ItemsPerPage::MAX);
        let first = At::Before(operation, PageNumber::FIRST, Vec::new());
        stream::unfold(first, move |at| {
            let client = client.clone();
            async move {
                let At::Before(mut operation, number, before) = at else {
                    return None;
                };
                operation.set_page(number, size);
                let answer = match client.send(&operation).await {
                    Ok(answer) => answer,
                    Err(error) => return Some((Err(error), At::End)),
                };
                let items = answer.value.items();
                if !items.is_empty() && *items == before[..] {
                    tracing::warn!(page = number.get(), "a page came twice; the list ends here");
                    return None;
                }
                let next = if items.len() < usize::from(size.get()) {
                    At::End
                } else {
                    At::Before(operation, number.next(), items.to_vec())
                };
                Some((Ok(answer), next))
            }
        })
    }

    /// The items of a list, one by one; see [`pages`](Client::pages).
    pub fn items<O>(
        &self,
        operation: O,
    ) -> impl Stream<Item = Result<O::Item, Error>> + Send + use<O>
    where
        O: Paged + Send + Sync,
        O::Item: Send,
    {
        use futures_util::{StreamExt as _, TryStreamExt as _};

        self.pages(operation)
            .map(|page| {
                page.map(|answer| stream::iter(answer.value.into_items().into_iter().map(Ok)))
            })
            .try_flatten()
    }
}
