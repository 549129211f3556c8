//! Finds the operation of a method and a path.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::data;
use crate::operation::Operation;

/// The operation of a request, and the parameters in its path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// The operation.
    pub operation: Operation,
    /// The names and decoded values of the path parameters, in order.
    pub parameters: Vec<(&'static str, String)>,
}

/// Finds the operation of a method and a path. The path is percent-encoded and without query.
///
/// A literal segment takes precedence over a parameter. A parameter matches one non-empty segment;
/// its value is decoded. Returns `None` also for a value that is not UTF-8.
pub fn route(method: &Method, path: &str) -> Option<Route> {
    let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    candidates(method, segments.len())
        .filter(|operation| fits(*operation, &segments))
        .filter_map(|operation| matches(operation, &segments))
        .min_by(|one, other| one.0.cmp(&other.0))
        .map(|(_, route)| route)
}

/// Returns the methods of a path, for the `Allow` header of a 405. Empty if the path is not in the
/// API.
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

/// The operations with this method and number of segments.
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

/// Whether the segments may match this operation's path, without decoding. This excludes most
/// operations without an allocation.
fn fits(operation: Operation, segments: &[&str]) -> bool {
    // Paths differ most at their ends.
    let mut pairs = operation.segments().zip(segments).rev();
    pairs.all(|(template, segment)| template == *segment || template.contains('{'))
}

/// The parameters if the segments match this operation's path, and for each segment whether it is
/// literal (0), a parameter with text around it (1) or a parameter alone (2).
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

/// A segment of a path with a parameter, such as `{userId}:addRole`.
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
