//! Reads lists page by page.

use atlas_model::{
    Answer, CallOptions, ItemsPerPage, NextPage, OperationExt, Page, PageNumber, Paged, Paging,
    PagingError,
};
use bytes::Bytes;
use futures_core::Stream;
use futures_util::stream;
use http::Request;
use http::uri::PathAndQuery;

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::list_time::ListTime;

/// The position in a list.
enum At<O: Paged> {
    /// Before a page.
    Before(Walk<O>),
    /// After the last page that could be read.
    Failed(Error),
    End,
}

/// A list while it is read.
struct Walk<O: Paged> {
    operation: O,
    /// The query of the link to the page, which replaces the operation's own.
    query: Option<String>,
    paging: Paging,
    /// The items of the previous page, to detect a server that repeats itself.
    before: Vec<O::Item>,
    time: ListTime,
}

impl Client {
    /// Reads a list page by page to its end.
    ///
    /// Starts at the operation's page number, and requests 500 items a page unless the operation sets
    /// another size.
    ///
    /// Follows the links to the next page, also after a page that is shorter than requested, but uses
    /// only their query: path and host stay those of the operation. A page with links, but without one
    /// to a next page, ends the list. If a server returns no links, a page that is shorter than
    /// requested ends it.
    ///
    /// # Errors
    /// An error is the last item. [`ErrorKind::List`] if the list cannot be read to its end: a link
    /// that is invalid or leads back, a page that repeats the previous one or has no `results`, or
    /// more pages or items than the client's [`page_limit`](crate::ClientBuilder::page_limit) and
    /// [`item_limit`](crate::ClientBuilder::item_limit). [`ErrorKind::Timeout`] if the pages together exceed
    /// the client's [`list_timeout`](crate::ClientBuilder::list_timeout).
    ///
    /// ```no_run
    /// # async fn run(client: atlas_transport::Client) -> Result<(), atlas_transport::Error> {
    /// use std::pin::pin;
    ///
    /// use atlas_model::projects::ListGroups;
    /// use futures_util::TryStreamExt;
    ///
    /// let mut projects = pin!(client.items(ListGroups::new()));
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
        let first = At::Before(Walk::new(operation, &client));
        stream::unfold(first, move |at| {
            let client = client.clone();
            async move {
                match at {
                    At::Before(walk) => Some(walk.step(&client).await),
                    At::Failed(error) => Some((Err(error), At::End)),
                    At::End => None,
                }
            }
        })
    }

    /// Returns the items of a list, one by one; see [`pages`](Client::pages).
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

/// A page or an error, and the position after it.
type Step<O> = (Result<Answer<Page<<O as Paged>::Item>>, Error>, At<O>);

impl<O: Paged + Sync> Walk<O> {
    fn new(mut operation: O, client: &Client) -> Self {
        let method = &O::META.method;
        let paging = if O::NUMBERED {
            let number = operation.page_number().unwrap_or(PageNumber::FIRST);
            let size = operation.page_size().unwrap_or(ItemsPerPage::MAX);
            operation.set_page(number, size);
            Paging::new(method, number, size)
        } else {
            Paging::unnumbered(method)
        };
        Self {
            operation,
            query: None,
            paging: client.limited(paging),
            before: Vec::new(),
            time: client.list_time(),
        }
    }

    /// Reads a page and determines the next one.
    async fn step(mut self, client: &Client) -> Step<O> {
        let options = CallOptions::default();
        let (operation, query) = (&self.operation, self.query.as_deref());
        let pages = self.paging.pages();
        let mut requests = || page_request(operation, query, pages, &options);
        let page = client.send_requests::<O>(&mut requests, &options);
        let answer = match self.time.wait(page).await {
            Ok(answer) => answer,
            Err(error) => return (Err(error), At::End),
        };
        let items = answer.value.items();
        let next = self
            .paging
            .after(items.len(), answer.value.links.as_deref());
        let pages = self.paging.pages();
        if answer.value.results.is_none() {
            return (Err(broken::<O>(PagingError::NoResults { pages })), At::End);
        }
        if !items.is_empty() && *items == self.before[..] {
            return (Err(broken::<O>(PagingError::Repeated { pages })), At::End);
        }
        self.before = items.to_vec();
        let then = match next {
            Ok(NextPage::Follow(query)) => {
                self.query = Some(query);
                At::Before(self)
            }
            Ok(NextPage::ByNumber(number)) => {
                let size = self.paging.size();
                self.operation.set_page(number, size);
                self.query = None;
                At::Before(self)
            }
            Ok(_) => At::End,
            Err(problem) => At::Failed(broken::<O>(problem)),
        };
        (Ok(answer), then)
    }
}

/// Builds the request for the page after the first `pages`.
fn page_request<O: Paged>(
    operation: &O,
    query: Option<&str>,
    pages: u32,
    options: &CallOptions,
) -> Result<Request<Bytes>, ErrorKind> {
    let mut request = operation.to_request(options)?;
    if let Some(query) = query {
        let target = format!("{}?{query}", request.uri().path());
        let target: PathAndQuery = target.parse().map_err(|_| ErrorKind::List {
            operation: O::META.id,
            problem: PagingError::BadLink { pages },
        })?;
        *request.uri_mut() = target.into();
    }
    Ok(request)
}

fn broken<O: Paged>(problem: PagingError) -> Error {
    let operation = O::META.id;
    ErrorKind::List { operation, problem }.into()
}
