//! From a method and a path to the operation.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::data;
use crate::operation::Operation;

/// An operation that a request is for, and the parameters in its path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// The operation.
    pub operation: Operation,
    /// The names and decoded values of the parameters in the path, in their order.
    pub parameters: Vec<(&'static str, String)>,
}

/// Finds the operation that a method and a path are for. The path is as it is sent, without query.
///
/// A literal segment wins over a parameter. A parameter takes one segment that is not empty; its
/// value is decoded. `None` also for a value that is not UTF-8.
pub fn route(method: &Method, path: &str) -> Option<Route> {
    let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    candidates(method, segments.len())
        .filter(|operation| fits(*operation, &segments))
        .filter_map(|operation| matches(operation, &segments))
        .min_by(|one, other| one.0.cmp(&other.0))
        .map(|(_, route)| route)
}

/// The methods that a path answers, for the `Allow` of a 405. Empty if it is no path of the API.
pub fn methods(path: &str) -> Vec<Method> {
    let all = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ];
    all.into_iter()
        .filter(|method| route(method, path).is_some())
        .collect()
}

/// The operations with a method and a number of segments.
fn candidates(method: &Method, count: usize) -> impl Iterator<Item = Operation> {
    let number = match *method {
        Method::GET => 0,
        Method::POST => 1,
        Method::PUT => 2,
        Method::PATCH => 3,
        Method::DELETE => 4,
        _ => u8::MAX,
    };
    let key = |place: usize| data::route_key(data::by_route(place));
    let length = data::operation_count();
    let (mut low, mut high) = (0, length);
    while low < high {
        let middle = low.midpoint(high);
        if key(middle) < (number, count) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    (low..length)
        .take_while(move |place| key(*place) == (number, count))
        .map(|place| Operation::number(data::by_route(place)))
}

/// Whether the segments are of this operation's path, as far as that can be told without decoding. Most operations
/// are ruled out here, at no allocation.
fn fits(operation: Operation, segments: &[&str]) -> bool {
    // Paths differ at their ends.
    let mut pairs = operation.segments().zip(segments).rev();
    pairs.all(|(template, segment)| template == *segment || template.contains('{'))
}

/// The parameters if the segments are of this operation's path, and for each segment whether it is
/// literal (0), a parameter with something around it (1) or one alone (2).
fn matches(operation: Operation, segments: &[&str]) -> Option<(Vec<u8>, Route)> {
    let mut parameters = Vec::new();
    let mut rank = Vec::new();
    for (template, segment) in operation.segments().zip(segments) {
        let Some(Template {
            before,
            name,
            after,
        }) = Template::read(template)
        else {
            if template != *segment {
                return None;
            }
            rank.push(0);
            continue;
        };
        let value = segment.strip_prefix(before)?.strip_suffix(after)?;
        if value.is_empty() {
            return None;
        }
        rank.push(if before.is_empty() && after.is_empty() {
            2
        } else {
            1
        });
        let value = percent_decode_str(value).decode_utf8().ok()?;
        parameters.push((name, value.into_owned()));
    }
    let route = Route {
        operation,
        parameters,
    };
    Some((rank, route))
}

/// A segment of a path with a parameter in it, such as `{userId}:addRole`.
pub(crate) struct Template {
    pub(crate) before: &'static str,
    pub(crate) name: &'static str,
    pub(crate) after: &'static str,
}

impl Template {
    pub(crate) fn read(segment: &'static str) -> Option<Self> {
        let (before, rest) = segment.split_once('{')?;
        let (name, after) = rest.split_once('}')?;
        Some(Self {
            before,
            name,
            after,
        })
    }
}
