//! The envelope: a response's status inside its body, for clients that see only the body.
//!
//! Asked for with `envelope=true`. A single resource, or an error, becomes
//! `{"status": 200, "content": {…}}`; a list keeps its own object and gains `status`:
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
    /// The status that counts, whatever the status line says.
    pub status: StatusCode,
    /// The resource or error inside; for a list, the whole body.
    pub content: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Opens a body, if it is an envelope: an object whose `status` is an HTTP status as an
    /// integer, beside `content` or `results`.
    ///
    /// `None` means that the body is to be read as it stands. Look for an envelope only where
    /// one was asked for: every look costs a pass over the body.
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

/// Puts a resource or an error into an envelope; `body` is a JSON object, compact or indented as
/// `pretty` says.
///
/// A list takes the status into its own object, everything else becomes `content`.
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
            // A line break never stands inside a JSON text, so each one can be indented.
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

/// A field that is there, be it null: then the envelope is around nothing.
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
    fn what_only_looks_like_an_envelope_is_left_alone() {
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
    fn an_envelope_around_null_is_around_nothing() {
        let opened = Envelope::open(br#"{"status":204,"content":null}"#).unwrap();
        assert_eq!(opened.status, StatusCode::NO_CONTENT);
        assert_eq!(opened.content, b"null");
    }
}
