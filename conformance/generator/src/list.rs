//! Client cases: all pages of each list are read.

use atlas_catalog::Operation;
use serde_json::{Value, json};

use crate::case::{Sources, head, media_type};
use crate::client::{answer, call, target};
use crate::example::Extent;
use crate::parameters::SEGMENT;

/// The query in the link to the second page.
const SECOND: &str = "itemsPerPage=100&pageNum=2";

/// Returns a case with two pages, of which the first links to the second.
pub(crate) fn case(operation: Operation, sources: &Sources) -> Option<Value> {
    if !operation.is_paged() {
        return None;
    }
    let version = operation.version(None)?;
    let first = target(operation, sources, "");
    let joint = if first.contains('?') { '&' } else { '?' };
    let second = format!("{first}{joint}{SECOND}");
    let link = |rel: &str, target: &str| json!({"href": format!("${{url}}{target}"), "rel": rel});
    let page = |number: usize, links: Value| {
        let mut answer = answer(operation, version, Extent::Brief, number, sources)?;
        answer["json"]["links"] = links;
        answer["json"].as_object_mut()?.remove("totalCount");
        Some(answer)
    };
    let pages = [
        page(1, json!([link("next", &second)]))?,
        page(2, json!([link("self", &second)]))?,
    ];
    let items: usize = pages
        .iter()
        .filter_map(|page| page["json"]["results"].as_array())
        .map(Vec::len)
        .sum();
    let mut call = call(operation, version, sources);
    call["list"] = true.into();
    // A colon in a path may be sent unescaped, which is another target.
    let plain = self::target(operation, sources, SEGMENT);
    let request = |target: &str| json!({"method": "GET", "target": target, "headers": {"accept": media_type(version)}});
    let requires = format!("The client follows the links of {operation} to the last page.");
    let mut case = head(
        &format!("list-{operation}"),
        operation,
        &requires,
        "recorded: lists end by their links",
    );
    case["client"] = json!({
        "call": call,
        "answers": pages,
        "expect": {
            "requests": [request(&first), request(&second)],
            "outcome": {"kind": "ok", "items": items},
        },
    });
    if plain != first {
        case["client"]["or"] = json!([{
            "requests": [request(&plain), request(&second)],
            "outcome": {"kind": "ok", "items": items},
        }]);
    }
    Some(case)
}
