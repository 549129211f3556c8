//! Reading a list page by page: decides the next request after each page.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use http::Method;
use percent_encoding::percent_decode_str;

use crate::error_chain::debug_as_chain;
use crate::link::Link;
use crate::page::{ItemsPerPage, PageNumber};

/// Decides after each page of a list where the next one is, or that the list has ended.
///
/// Sans-IO: the caller requests the pages. A link with `rel` `next` is followed, whatever the
/// length of the page. `links` without it end the list. Without any `links`, a page shorter than
/// requested ends it. Only lists requested by `GET` have more than one page.
///
/// ```
/// use atlas_model::{ItemsPerPage, Link, NextPage, PageNumber, Paging};
///
/// let mut paging = Paging::new(&http::Method::GET, PageNumber::FIRST, ItemsPerPage::default());
/// let next = Link::new("https://cloud.mongodb.com/api/atlas/v2/groups?pageNum=2", "next");
/// assert_eq!(
///     paging.after(98, Some(&[next])),
///     Ok(NextPage::Follow("pageNum=2".to_owned()))
/// );
/// let own = Link::new("https://cloud.mongodb.com/api/atlas/v2/groups?pageNum=2", "self");
/// assert_eq!(paging.after(100, Some(&[own])), Ok(NextPage::End));
/// ```
#[derive(Debug, Clone)]
pub struct Paging {
    follows: bool,
    numbered: bool,
    size: ItemsPerPage,
    /// The number of the last requested page; `None` if only the server knows it.
    number: Option<PageNumber>,
    pages: u32,
    items: u64,
    page_limit: u32,
    item_limit: u64,
    /// Fingerprints of the queries of all pages that were requested or read.
    seen: HashSet<u64>,
}

/// The next request of a list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NextPage {
    /// None: the page was the last one.
    End,
    /// The list's own path on its own host, with this query instead of the previous one.
    Follow(String),
    /// The page with this number.
    ByNumber(PageNumber),
}

/// An error that prevents reading the rest of a list. The items read so far are incomplete.
#[derive(Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PagingError {
    /// The link to the next page has no usable query.
    #[error(
        "the list is incomplete: the link after page {pages} has no query; check any proxy in between"
    )]
    BadLink {
        /// How many pages were read.
        pages: u32,
    },
    /// The link to the next page leads to a page that was already read.
    #[error(
        "the list is incomplete: the link after page {pages} leads back to a page already read; \
         try again"
    )]
    Cycle {
        /// How many pages were read.
        pages: u32,
    },
    /// A page has no `results`, so it may not be a page of a list.
    #[error(
        "the list is incomplete: page {pages} has no results; check the base URL and any proxy in \
         between"
    )]
    NoResults {
        /// How many pages were read.
        pages: u32,
    },
    /// A page has the same items as the previous one.
    #[error("the list is incomplete: page {pages} repeats the page before it; try again")]
    Repeated {
        /// How many pages were read.
        pages: u32,
    },
    /// A full page without links follows a link without a page number.
    #[error("the list is incomplete: page {pages} is full and has no links; try again")]
    LinksLost {
        /// How many pages were read.
        pages: u32,
    },
    /// The list has more pages than the limit.
    #[error(
        "the list is incomplete: it continues after {pages} pages; request more items per page, \
         start at a later page, or raise the limit of pages"
    )]
    TooLong {
        /// How many pages were read.
        pages: u32,
    },
    /// The list has more items than the limit.
    #[error(
        "the list is incomplete: it continues after {items} items; start at a later page, or raise \
         the limit of items"
    )]
    TooManyItems {
        /// How many items were read.
        items: u64,
    },
}

debug_as_chain!(PagingError);

impl Paging {
    /// The default limit of pages per list; [`limits`](Paging::limits) changes it.
    pub const MAX_PAGES: u32 = 10_000;
    /// The default limit of items per list; [`limits`](Paging::limits) changes it.
    pub const MAX_ITEMS: u64 = 1_000_000;

    /// Starts before the first page of a list whose pages have numbers.
    pub fn new(method: &Method, first: PageNumber, size: ItemsPerPage) -> Self {
        Self {
            follows: *method == Method::GET,
            numbered: true,
            size,
            number: Some(first),
            pages: 0,
            items: 0,
            page_limit: Self::MAX_PAGES,
            item_limit: Self::MAX_ITEMS,
            seen: HashSet::new(),
        }
    }

    /// Starts before the first page of a list whose pages have no numbers.
    ///
    /// Such a list ends at a page without a link to the next one.
    pub fn unnumbered(method: &Method) -> Self {
        Self {
            numbered: false,
            ..Self::new(method, PageNumber::FIRST, ItemsPerPage::MAX)
        }
    }

    /// Sets the numbers of pages and items after which no further page is requested.
    #[must_use]
    pub fn limits(mut self, pages: u32, items: u64) -> Self {
        self.page_limit = pages;
        self.item_limit = items;
        self
    }

    /// Processes a page: its number of items, and its links.
    ///
    /// An empty list of links is equal to `None`.
    ///
    /// # Errors
    /// [`PagingError`] if there are more pages, but the next one cannot be requested. It is never
    /// [`PagingError::NoResults`] or [`PagingError::Repeated`], which need the items to be
    /// detected.
    pub fn after(&mut self, items: usize, links: Option<&[Link]>) -> Result<NextPage, PagingError> {
        self.pages = self.pages.saturating_add(1);
        let next = self.next(items, links.unwrap_or_default())?;
        self.items = self.items.saturating_add(items as u64);
        if next == NextPage::End {
            return Ok(next);
        }
        if self.pages >= self.page_limit {
            return Err(PagingError::TooLong { pages: self.pages });
        }
        if self.items >= self.item_limit {
            return Err(PagingError::TooManyItems { items: self.items });
        }
        Ok(next)
    }

    /// Returns the page size that was requested, by the caller or by the last link.
    pub fn size(&self) -> ItemsPerPage {
        self.size
    }

    /// Returns the number of pages read.
    pub fn pages(&self) -> u32 {
        self.pages
    }

    fn next(&mut self, items: usize, links: &[Link]) -> Result<NextPage, PagingError> {
        let pages = self.pages;
        if !self.follows {
            return Ok(NextPage::End);
        }
        let own = links.iter().find(|link| link.is("self"));
        if let Some(own) = own.and_then(Link::query) {
            self.seen.insert(fingerprint(&own));
        }
        if let Some(next) = links.iter().find(|link| link.is("next")) {
            let query = next.query().ok_or(PagingError::BadLink { pages })?;
            if !self.seen.insert(fingerprint(&query)) {
                return Err(PagingError::Cycle { pages });
            }
            let parameter = |name| parameter(&query, name);
            self.number = parameter("pageNum").and_then(|value| value.parse().ok());
            if let Some(size) = parameter("itemsPerPage").and_then(|value| value.parse().ok()) {
                self.size = size;
            }
            return Ok(NextPage::Follow(query));
        }
        if !links.is_empty() || !self.numbered || items < usize::from(self.size.get()) {
            return Ok(NextPage::End);
        }
        let number = self.number.ok_or(PagingError::LinksLost { pages })?;
        let next = number.next();
        if next == number {
            return Err(PagingError::TooLong { pages });
        }
        self.number = Some(next);
        Ok(NextPage::ByNumber(next))
    }
}

/// The pairs of a query, percent-decoded.
fn pairs(query: &str) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + '_ {
    query.split('&').map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = |text| percent_decode_str(text).collect();
        (decoded(name), decoded(value))
    })
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let (_, value) = pairs(query).find(|(known, _)| known == name.as_bytes())?;
    String::from_utf8(value).ok()
}

/// A hash that is equal for all spellings of a query.
fn fingerprint(query: &str) -> u64 {
    let mut pairs: Vec<_> = pairs(query).collect();
    pairs.sort();
    let mut hasher = DefaultHasher::new();
    pairs.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging() -> Paging {
        Paging::new(
            &Method::GET,
            PageNumber::FIRST,
            ItemsPerPage::new(2).unwrap(),
        )
    }

    fn next(href: &str) -> Vec<Link> {
        vec![Link::new("/x?pageNum=1", "self"), Link::new(href, "next")]
    }

    fn follow(query: &str) -> NextPage {
        NextPage::Follow(query.to_owned())
    }

    #[test]
    fn a_link_to_the_next_page_is_followed_after_a_page_of_any_length() {
        for items in [0, 1, 2, 3] {
            let mut paging = paging();
            let next = paging.after(items, Some(&next("/x?pageNum=2")));
            assert_eq!(next, Ok(follow("pageNum=2")));
            let own = [Link::new("/x?pageNum=2", "self")];
            assert_eq!(paging.after(items, Some(&own)), Ok(NextPage::End));
        }
    }

    #[test]
    fn without_links_a_full_page_is_followed_by_its_number() {
        for links in [None, Some(&[][..])] {
            let mut paging = paging();
            let second = NextPage::ByNumber(PageNumber::new(2).unwrap());
            assert_eq!(paging.after(2, links), Ok(second));
            assert_eq!(paging.after(1, links), Ok(NextPage::End));
            assert_eq!(paging.after(0, links), Ok(NextPage::End));
        }
    }

    #[test]
    fn a_list_that_loses_its_links_continues_after_the_last_link() {
        let mut one = paging();
        let query = "itemsPerPage=1&pageNum=7";
        one.after(2, Some(&next(&format!("/x?{query}")))).unwrap();
        let eighth = NextPage::ByNumber(PageNumber::new(8).unwrap());
        assert_eq!(one.after(1, None), Ok(eighth));
        let mut one = paging();
        one.after(2, Some(&next("/x?cursor=a"))).unwrap();
        let lost = PagingError::LinksLost { pages: 2 };
        assert_eq!(one.after(2, None), Err(lost));
    }

    #[test]
    fn a_link_back_to_a_page_already_read_is_an_error() {
        let links = next("/x?pageNum=2&itemsPerPage=2");
        let cycle = Err(PagingError::Cycle { pages: 2 });
        let mut one = paging();
        one.after(2, Some(&links)).unwrap();
        let again = next("http://a/x?itemsPerPage=2&page%4eum=2");
        assert_eq!(one.after(2, Some(&again)), cycle);
        let mut one = paging();
        one.after(2, Some(&links)).unwrap();
        assert_eq!(one.after(2, Some(&next("?pageNum=1"))), cycle);
        let mut one = paging();
        let itself = one.after(2, Some(&next("?pageNum=1")));
        assert_eq!(itself, Err(PagingError::Cycle { pages: 1 }));
    }

    #[test]
    fn a_link_that_leads_nowhere_is_an_error() {
        let bad = Err(PagingError::BadLink { pages: 1 });
        for href in ["", "/x", "/x?", "https://a/x#?pageNum=2", " ? "] {
            assert_eq!(paging().after(2, Some(&next(href))), bad, "{href:?}");
        }
        let mut link = Link::new("", "next");
        link.href = None;
        assert_eq!(paging().after(2, Some(&[link])), bad);
    }

    #[test]
    fn a_list_that_never_ends_is_an_error_at_the_cap() {
        let mut linked = paging();
        let mut counted = paging();
        for page in 1..Paging::MAX_PAGES {
            let links = [Link::new(&format!("?pageNum={}", page + 1), "next")];
            assert!(matches!(
                linked.after(1, Some(&links)),
                Ok(NextPage::Follow(_))
            ));
            assert!(matches!(counted.after(2, None), Ok(NextPage::ByNumber(_))));
        }
        let too_long = PagingError::TooLong {
            pages: Paging::MAX_PAGES,
        };
        let links = [Link::new("?pageNum=0", "next")];
        assert_eq!(linked.clone().after(1, Some(&[])), Ok(NextPage::End));
        assert_eq!(linked.after(1, Some(&links)), Err(too_long.clone()));
        assert_eq!(counted.clone().after(1, None), Ok(NextPage::End));
        assert_eq!(counted.after(2, None), Err(too_long));
    }

    #[test]
    fn the_highest_page_number_is_not_requested_twice() {
        let last = PageNumber::new(u32::MAX).unwrap();
        let mut paging = Paging::new(&Method::GET, last, ItemsPerPage::MAX);
        let too_long = PagingError::TooLong { pages: 1 };
        assert_eq!(paging.after(500, None), Err(too_long));
    }

    #[test]
    fn only_a_get_has_a_next_page() {
        let size = ItemsPerPage::new(1).unwrap();
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::HEAD] {
            let mut paging = Paging::new(&method, PageNumber::FIRST, size);
            let links = next("/x?pageNum=2");
            assert_eq!(paging.after(1, Some(&links)), Ok(NextPage::End));
            assert_eq!(paging.after(1, None), Ok(NextPage::End));
        }
    }

    #[test]
    fn a_list_without_numbers_continues_by_links_alone() {
        let mut paging = Paging::unnumbered(&Method::GET);
        assert_eq!(
            paging.after(1, Some(&next("?pageNum=2"))),
            Ok(follow("pageNum=2"))
        );
        assert_eq!(paging.after(1000, None), Ok(NextPage::End));
    }
}
