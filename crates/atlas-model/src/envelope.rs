//! The envelope: the status of a response inside its body, for clients that see only the body.
//!
//! Requested with `envelope=true`. A single resource, or an error, becomes `{"status": 200,
//! "content": {…}}`; a list keeps its own object and gains `status`:
//!
//! ```
//! use atlas_model::envelope::Envelope;
//!
//! let single = Envelope::open(br#"{"status": 404, "content": {"error": 404}}"#).unwrap();
//! assert_eq!((single.status.as_u16(), single.content), (404, &br#"{"error": 404}"#[..]));
//!
//! let list = br#"{"results": [], "totalCount": 0, "status": 200}"#;
//! assert_eq!(Envelope::open(list).unwrap().content, &list[..]);
//!
//! let bare = br#"{"id": "32b6e34b3d91647abb20e7b8", "status": "PENDING"}"#;
//! assert!(Envelope::open(bare).is_none(), "a restore job has a status of its own");
//! ```

use http::StatusCode;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// An opened envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Envelope<'a> {
    /// The status to use, instead of that of the status line.
    pub status: StatusCode,
    /// The resource or error in the envelope; for a list, the whole body.
    pub content: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Opens a body, if it is an envelope: an object with an HTTP status as the integer `status`,
    /// and with `content` or `results`.
    ///
    /// Returns `None` for any other body, which is then the resource itself. Call this only for a
    /// response to a request with `envelope=true`: each call parses the body.
    pub fn open(body: &'a [u8]) -> Option<Self> {
        let outer: Outer<'a> = serde_json::from_slice(body).ok()?;
        let status = StatusCode::from_u16(outer.status?.get().parse().ok()?).ok()?;
        let content = match (outer.content, outer.results) {
            (Some(content), _) => content.get().as_bytes(),
            (None, Some(_)) => body,
            (None, None) => return None,
        };
        Some(Self { status, content })
    }
}

/// Wraps a resource or an error in an envelope; `body` is a JSON object, compact or indented as
/// `pretty` states.
///
/// A list gains the status in its own object; any other body becomes `content`.
pub fn wrap(status: StatusCode, list: bool, pretty: bool, body: &[u8]) -> Vec<u8> {
    let status = status.as_str().as_bytes();
    let (line, space, end): (&[u8], &[u8], &[u8]) = if pretty {
        (b"\n  ", b" ", b"\n}")
    } else {
        (b"", b"", b"}")
    };
    let open_list = list
        .then(|| body.trim_ascii().strip_suffix(b"}"))
        .flatten()
        .map(<[u8]>::trim_ascii_end);
    let status = [line, b"\"status\":", space, status].concat();
    match open_list {
        Some(b"{") => [b"{", &status[..], end].concat(),
        Some(open) => [open, b",", &status, end].concat(),
        None => {
            // JSON text has no line breaks inside of strings, so each line can be indented.
            let lines: Vec<&[u8]> = body.split(|&byte| byte == b'\n').collect();
            let body = lines.join(if pretty { &b"\n  "[..] } else { b"\n" });
            [
                b"{",
                &status[..],
                b",",
                line,
                b"\"content\":",
                space,
                &body,
                end,
            ]
            .concat()
        }
    }
}

#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    content: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    results: Option<&'a RawValue>,
}

/// A field that is present, even if it is `null`: an envelope around `null` has an empty content.
fn present<'de, D: Deserializer<'de>>(field: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(field).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_and_opening_are_inverse() {
        for (list, body) in [
            (false, &br#"{"id":"x","status":"PENDING"}"#[..]),
            (false, b"{}"),
            (true, br#"{"results":[],"totalCount":0}"#),
            (true, b" {\n \"results\": [] \n} \n"),
        ] {
            let wrapped = wrap(StatusCode::CONFLICT, list, false, body);
            let opened = Envelope::open(&wrapped).unwrap();
            assert_eq!(opened.status, StatusCode::CONFLICT);
            if list {
                assert_eq!(opened.content, wrapped);
            } else {
                assert_eq!(opened.content, body);
            }
        }
    }

    #[test]
    fn an_empty_list_object_stays_json() {
        assert_eq!(
            wrap(StatusCode::OK, true, false, b"{}"),
            br#"{"status":200}"#
        );
    }

    #[test]
    fn a_pretty_envelope_is_what_serde_would_indent() {
        let content = serde_json::json!({"a": {"b": [1, {}]}, "c": "line\nbreak"});
        let body = serde_json::to_vec_pretty(&content).unwrap();
        let single = wrap(StatusCode::OK, false, true, &body);
        let whole: serde_json::Value = serde_json::from_slice(&single).unwrap();
        assert_eq!(
            whole,
            serde_json::json!({"status": 200, "content": content})
        );
        assert!(
            single.starts_with(b"{\n  \"status\": 200,\n  \"content\": {\n    \"a\": {\n"),
            "{}",
            single.escape_ascii()
        );
        let list = wrap(StatusCode::OK, true, true, b"{\n  \"results\": []\n}");
        assert_eq!(list, b"{\n  \"results\": [],\n  \"status\": 200\n}");
    }

    #[test]
    fn a_body_that_only_resembles_an_envelope_is_not_opened() {
        for body in [
            &br#"{"status":"PENDING","content":{}}"#[..],
            br#"{"status":"200","content":{}}"#,
            br#"{"status":200}"#,
            br#"{"status":99,"content":{}}"#,
            br#"{"status":200.0,"content":{}}"#,
            br#"{"status":1000,"content":{}}"#,
            br#"{"status":-200,"content":{}}"#,
            br#"{"status":null,"content":{}}"#,
            br#"{"status":200,"status":200,"content":{}}"#,
            br#"{"content":{}}"#,
            b"[200]",
            b"",
            b"<html>",
        ] {
            assert_eq!(Envelope::open(body), None, "{}", body.escape_ascii());
        }
    }

    #[test]
    fn an_envelope_around_null_has_null_as_content() {
        let opened = Envelope::open(br#"{"status":204,"content":null}"#).unwrap();
        assert_eq!(opened.status, StatusCode::NO_CONTENT);
        assert_eq!(opened.content, b"null");
    }
}
