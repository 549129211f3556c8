//! Pages of lists, and the numbers that select them.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::error_chain::debug_as_chain;
use crate::link::Link;
use crate::object::{self, Object};
use crate::operation::Operation;

/// One page of a list.
///
/// ```
/// use atlas_model::{Page, projects::Project};
///
/// let page = r#"{"results": [{"name": "one"}], "totalCount": 7}"#;
/// let page: Page<Project> = serde_json::from_str(page)?;
/// assert_eq!(page.items().len(), 1);
/// assert_eq!(page.total_count, Some(7));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Page<T> {
    /// Links to this page and its neighbours (RFC 8288).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<Vec<Link>>,
    /// The items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub results: Option<Vec<T>>,
    /// The total number of items of the list; absent if it was not requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_count: Option<i64>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self {
            links: None,
            results: None,
            total_count: None,
        }
    }
}

impl<T: DeserializeOwned> Object for Page<T> {
    const FIELDS: &'static [&'static str] = &["links", "results", "totalCount"];

    fn set<'de, A: MapAccess<'de>>(&mut self, field: usize, map: &mut A) -> Result<(), A::Error> {
        match field {
            0 => object::read(&mut self.links, "links", map),
            1 => {
                let mut results: Option<Items<T>> = None;
                if self.results.is_some() {
                    return Err(A::Error::duplicate_field("results"));
                }
                object::read(&mut results, "results", map)?;
                self.results = results.map(|items| items.0);
                Ok(())
            }
            _ => object::read(&mut self.total_count, "totalCount", map),
        }
    }
}

/// The items of a page. Atlas sends at most 500 per page; a page of very many short items would use
/// a hundred times as much memory as its text.
struct Items<T>(Vec<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T>(PhantomData<T>);

        impl<'de, T: DeserializeOwned> Visitor<'de> for List<T> {
            type Value = Items<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {MAX_ITEMS} items")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Items<T>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    if items.len() == MAX_ITEMS {
                        return Err(A::Error::invalid_length(MAX_ITEMS + 1, &self));
                    }
                    items.push(item);
                }
                Ok(Items(items))
            }
        }

        deserializer.deserialize_seq(List(PhantomData))
    }
}

/// The maximum number of items in a page.
const MAX_ITEMS: usize = 100_000;

impl<'de, T: DeserializeOwned> Deserialize<'de> for Page<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object::deserialize(deserializer)
    }
}

impl<T> Page<T> {
    /// Creates a page of items, with `total_count` in the whole list.
    pub fn new(results: Vec<T>, total_count: Option<i64>) -> Self {
        Self {
            links: None,
            results: Some(results),
            total_count,
        }
    }

    /// Returns the items; an empty slice if the response has none.
    pub fn items(&self) -> &[T] {
        self.results.as_deref().unwrap_or_default()
    }

    /// Returns the items by value.
    pub fn into_items(self) -> Vec<T> {
        self.results.unwrap_or_default()
    }
}

/// An operation whose response is one page of a list.
///
/// Names the item type and sets the page to request. [`Paging`](crate::Paging) decides where a list
/// ends; `Client::pages` of `atlas-transport` reads all pages.
pub trait Paged: Operation<Response = Page<Self::Item>> + Clone {
    /// The type of the items.
    type Item: DeserializeOwned + Clone + PartialEq;

    /// Whether a page can be requested by its number. Other lists have a single page, unless it has
    /// a link to the next one.
    const NUMBERED: bool = false;

    /// Sets the page number and size to request; does nothing if pages have no numbers.
    fn set_page(&mut self, _number: PageNumber, _size: ItemsPerPage) {}

    /// The requested page number, if it was set.
    fn page_number(&self) -> Option<PageNumber> {
        None
    }

    /// The requested page size, if it was set.
    fn page_size(&self) -> Option<ItemsPerPage> {
        None
    }
}

/// The size of a page: 1 to 500 items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemsPerPage(u16);

/// The number of a page: 1 is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageNumber(u32);

/// A number outside its documented limits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("invalid number: expected {expected}")]
pub struct NumberError {
    expected: &'static str,
}

debug_as_chain!(NumberError);

impl ItemsPerPage {
    /// The largest page size.
    pub const MAX: Self = Self(500);

    /// Creates a page size of 1 to 500; `None` for other numbers.
    pub const fn new(count: u16) -> Option<Self> {
        if count >= 1 && count <= Self::MAX.0 {
            Some(Self(count))
        } else {
            None
        }
    }

    /// Returns the number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for ItemsPerPage {
    type Error = NumberError;

    fn try_from(count: u16) -> Result<Self, NumberError> {
        Self::new(count).ok_or(NumberError {
            expected: "a number from 1 to 500",
        })
    }
}

impl TryFrom<u32> for PageNumber {
    type Error = NumberError;

    fn try_from(number: u32) -> Result<Self, NumberError> {
        Self::new(number).ok_or(NumberError {
            expected: "a number from 1",
        })
    }
}

impl Default for ItemsPerPage {
    /// 100, the default of Atlas.
    fn default() -> Self {
        Self(100)
    }
}

impl PageNumber {
    /// The first page.
    pub const FIRST: Self = Self(1);

    /// Creates a page number from 1; `None` for 0.
    pub const fn new(number: u32) -> Option<Self> {
        if number >= 1 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// Returns the number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Returns the number of the next page.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

macro_rules! number {
    ($name:ident, $expected:literal) => {
        impl FromStr for $name {
            type Err = NumberError;

            fn from_str(text: &str) -> Result<Self, NumberError> {
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                let number = text.parse().ok().filter(|_| digits).and_then(Self::new);
                number.ok_or(NumberError {
                    expected: $expected,
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(ItemsPerPage, "a number from 1 to 500");
number!(PageNumber, "a number from 1");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_pages_and_items_keep_to_their_limits() {
        for (text, items, page) in [
            ("1", true, true),
            ("500", true, true),
            ("501", false, true),
            ("0", false, false),
            ("+1", false, false),
            ("-1", false, false),
            ("", false, false),
            ("99999999999", false, false),
        ] {
            assert_eq!(text.parse::<ItemsPerPage>().is_ok(), items, "{text}");
            assert_eq!(text.parse::<PageNumber>().is_ok(), page, "{text}");
        }
        assert_eq!(PageNumber(u32::MAX).next(), PageNumber(u32::MAX));
    }

    #[test]
    fn a_page_of_very_many_items_is_left_out_as_one_deviation() {
        use crate::payload::Payload;

        let page = |items: usize| {
            let items = vec!["{}"; items].join(",");
            format!(r#"{{"results":[{items}],"totalCount":7}}"#)
        };
        let (read, deviations) = Page::<Link>::read(&page(MAX_ITEMS).into()).unwrap();
        assert_eq!(read.results.unwrap().len(), MAX_ITEMS);
        assert!(deviations.is_empty());
        let (read, deviations) = Page::<Link>::read(&page(MAX_ITEMS + 1).into()).unwrap();
        assert!(read.results.is_none() && read.total_count == Some(7));
        assert_eq!(deviations.len(), 1);
        assert_eq!(deviations[0].path(), "results");
    }
}
