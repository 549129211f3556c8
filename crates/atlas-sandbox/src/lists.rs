//! Pages of lists, with links to themselves and their neighbours.

use atlas_model::{ItemsPerPage, Link, Page, PageNumber};
use http::Uri;
use percent_encoding::percent_decode_str;

use crate::handle::Call;

/// The URL that was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    base: &'a str,
    path: &'a str,
    query: &'a str,
}

impl<'a> Target<'a> {
    pub(crate) fn new(base: &'a str, uri: &'a Uri) -> Self {
        Self {
            base,
            path: uri.path(),
            query: uri.query().unwrap_or_default(),
        }
    }

    /// A link to the page of this number, with the other parameters as they were asked.
    fn page(self, rel: &str, number: usize, size: usize) -> Link {
        let others = self.query.split('&').filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            let name = percent_decode_str(name).decode_utf8_lossy();
            !pair.is_empty() && name != "pageNum" && name != "itemsPerPage"
        });
        let own = [format!("pageNum={number}"), format!("itemsPerPage={size}")];
        let pairs: Vec<&str> = others.chain(own.iter().map(String::as_str)).collect();
        let Self { base, path, .. } = self;
        Link::new(&format!("{base}{path}?{}", pairs.join("&")), rel)
    }

    /// A link to what was asked, as it was asked.
    fn itself(self) -> Link {
        let Self { base, path, query } = self;
        let mark = if query.is_empty() { "" } else { "?" };
        Link::new(&format!("{base}{path}{mark}{query}"), "self")
    }
}

/// The page of a list that a request asks for.
pub(crate) fn page<T>(
    call: Call<'_>,
    items: Vec<T>,
    size: Option<ItemsPerPage>,
    number: Option<PageNumber>,
    count: Option<bool>,
) -> Page<T> {
    let total = items.len();
    let size = usize::from(size.unwrap_or_default().get());
    let number = number.unwrap_or(PageNumber::FIRST).get();
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    let before = (number - 1).saturating_mul(size);
    let on_page: Vec<T> = items.into_iter().skip(before).take(size).collect();

    let link = |rel, number| call.target.page(rel, number, size);
    let mut links = vec![link("self", number)];
    if number > 1 {
        let last = total.div_ceil(size).max(1);
        links.push(link("previous", last.min(number - 1)));
    }
    if before.saturating_add(size) < total {
        links.push(link("next", number + 1));
    }
    let counted = count.unwrap_or(true).then_some(total);
    linked(on_page, counted, links)
}

/// All of a list that has no pages.
pub(crate) fn whole<T>(call: Call<'_>, items: Vec<T>) -> Page<T> {
    let total = items.len();
    linked(items, Some(total), vec![call.target.itself()])
}

fn linked<T>(items: Vec<T>, count: Option<usize>, links: Vec<Link>) -> Page<T> {
    let count = count.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    let mut page = Page::new(items, count);
    page.links = Some(links);
    page
}
