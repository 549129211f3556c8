//! Why a request to an object store failed, without anything that is secret.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use atlas_transport::ErrorKind;
use atlas_transport::connections::ConnectionFailure;
use atlas_transport::retry::{Decision, Outcome, RetryPolicy};
use http::StatusCode;

/// The failure of a request to an object store: its status and error code, or why there was no
/// response.
///
/// Contains no URL, header or credential. Text of the store is escaped and truncated. `Debug` reads
/// as `Display` does.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.text)]
pub struct StoreFailure(Box<Failure>);

impl fmt::Debug for StoreFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Failure {
    text: String,
    status: Option<StatusCode>,
    code: Option<String>,
    transient: bool,
    retry_after: Option<Duration>,
    maybe_applied: bool,
    origin: Origin,
}

/// The origin of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The store, or the connection to it.
    Store,
    /// The metadata service of this machine, which was queried for credentials.
    Metadata,
    /// A local setting; nothing was sent.
    Setting,
}

/// The maximum length of a store's text in a message.
const SHOWN: usize = 300;

impl StoreFailure {
    /// Returns the status of the store's response, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// Returns the store's error code, such as `NoSuchBucket`.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// Returns whether the same request may succeed later, with nothing changed. A status is
    /// classified as in [`atlas_transport::Error::is_transient`].
    pub fn is_transient(&self) -> bool {
        self.0.transient
    }

    /// Returns how long after its response the store wants the next request: the seconds of its
    /// `Retry-After`.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the store may have applied the request anyway.
    pub(super) fn maybe_applied(&self) -> bool {
        self.0.maybe_applied
    }

    /// Whether this machine's metadata service provided no credentials.
    pub(super) fn is_of_metadata(&self) -> bool {
        self.0.origin == Origin::Metadata
    }

    /// Whether a setting is invalid, so that nothing was sent.
    pub(super) fn is_of_setting(&self) -> bool {
        self.0.origin == Origin::Setting
    }

    /// A response other than success.
    pub(crate) fn refused(host: &str, status: StatusCode, body: &[u8]) -> Self {
        let body = String::from_utf8_lossy(body);
        let code = element(&body, "Code").map(|code| shown(&code));
        let message = element(&body, "Message").map(|message| shown(&message));
        let mut text = format!("{host} returned {}", status.as_u16());
        for part in [&code, &message].into_iter().flatten() {
            text.push_str(if text.ends_with(|c: char| c.is_ascii_digit()) {
                " "
            } else {
                ": "
            });
            text.push_str(part);
        }
        let meant = meant(status, code.as_deref());
        let transient = is_transient(meant);
        let did_nothing = matches!(meant.as_u16(), 429 | 503);
        Self(Box::new(Failure {
            text,
            status: Some(status),
            code,
            transient,
            retry_after: None,
            maybe_applied: transient && !did_nothing,
            origin: Origin::Store,
        }))
    }

    /// Adds the `Retry-After` of the response, in seconds.
    pub(super) fn retried_after(mut self, header: Option<&http::HeaderValue>) -> Self {
        let seconds = header.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        self.0.retry_after = seconds.map(Duration::from_secs);
        self
    }

    /// No response, or an incomplete one.
    pub(super) fn broken(host: &str, none: &ConnectionFailure) -> Self {
        let why = shown(&innermost(&none.kind));
        let is_setting = matches!(none.kind, ErrorKind::Proxy { .. });
        let never_arrived = matches!(
            none.kind,
            ErrorKind::Connect { .. } | ErrorKind::NotTaken { .. }
        );
        let text = match &none.kind {
            ErrorKind::Proxy { .. } => none.kind.to_string(),
            ErrorKind::Connect { .. } => format!("cannot connect to {host}: {why}"),
            _ => format!("connection failed to {host}: {why}"),
        };
        Self(Box::new(Failure {
            text,
            status: None,
            code: None,
            transient: none.is_transient,
            retry_after: None,
            maybe_applied: !never_arrived && !is_setting,
            origin: if is_setting {
                Origin::Setting
            } else {
                Origin::Store
            },
        }))
    }

    /// The machine's metadata service did not respond in time.
    pub(super) fn no_metadata(host: &str, seconds: u64) -> Self {
        let text = format!("timed out after {seconds} s waiting for the metadata service {host}");
        Self::says(&text).of_metadata()
    }

    /// Marks a failure of the machine's metadata service, which is queried once: on a machine
    /// without one, retries only take time.
    pub(super) fn of_metadata(mut self) -> Self {
        self.0.origin = Origin::Metadata;
        self.0.transient &= self.0.status.is_some();
        self.0.maybe_applied = false;
        self
    }

    /// No response in time.
    pub(super) fn timed_out(seconds: u64) -> Self {
        Self(Box::new(Failure {
            text: format!("timed out after {seconds} s waiting for the store"),
            status: None,
            code: None,
            transient: true,
            retry_after: None,
            maybe_applied: true,
            origin: Origin::Store,
        }))
    }

    /// A failure outside of HTTP: a credential file, an unreadable response.
    fn other(error: &object_store::Error) -> Self {
        Self(Box::new(Failure {
            text: shown(&innermost(error)),
            status: None,
            code: None,
            transient: false,
            retry_after: None,
            maybe_applied: true,
            origin: Origin::Store,
        }))
    }

    pub(super) fn says(text: &str) -> Self {
        Self(Box::new(Failure {
            text: text.to_owned(),
            status: None,
            code: None,
            transient: false,
            retry_after: None,
            maybe_applied: false,
            origin: Origin::Store,
        }))
    }

    /// The failure inside an error of `object_store`, whose own text contains URLs and may contain
    /// secrets.
    pub(super) fn of(error: &object_store::Error, secrets: &[String]) -> Self {
        let mut failure = find(error).unwrap_or_else(|| Self::other(error));
        for secret in secrets {
            failure.0.text = failure.0.text.replace(secret, "[secret]");
            let code = failure.0.code.take();
            failure.0.code = code.map(|code| code.replace(secret, "[secret]"));
        }
        failure
    }
}

/// The status that a response means, by its error code, where its status differs.
///
/// S3 returns 400 for a request that was too slow, which is 408 in HTTP, and 200 for a completion
/// before it knows that it fails: then only the code is reliable. These are the codes whose
/// documented status is transient (Amazon S3 API reference, "Error responses").
fn meant(status: StatusCode, code: Option<&str>) -> StatusCode {
    match code {
        Some("RequestTimeout") => StatusCode::REQUEST_TIMEOUT,
        Some("InternalError") if status.is_success() => StatusCode::INTERNAL_SERVER_ERROR,
        Some("SlowDown" | "ServiceUnavailable") if status.is_success() => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => status,
    }
}

/// Whether a status is transient, by the transport's list.
fn is_transient(status: StatusCode) -> bool {
    let answered = Outcome::Answered {
        status,
        retry_after: None,
    };
    RetryPolicy::default().decide(1, true, &answered, 0.0) != Decision::Stop
}

fn find(error: &object_store::Error) -> Option<StoreFailure> {
    let mut error: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(inner) = error {
        if let Some(failure) = inner.downcast_ref::<StoreFailure>() {
            return Some(failure.clone());
        }
        error = inner.source();
    }
    None
}

/// The text of the innermost cause.
fn innermost(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut error = error.source();
    while let Some(inner) = error {
        text = inner.to_string();
        error = inner.source();
    }
    text
}

/// Text of the store for messages: no control characters, no query of a URL, truncated.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    for word in text.split_inclusive(char::is_whitespace) {
        let word = match word.split_once('?') {
            Some((url, _)) if url.contains("://") => url,
            _ => word,
        };
        for c in word.chars() {
            if shown.len() >= SHOWN {
                shown.push('…');
                return shown;
            }
            match c {
                '"' | '\'' | '\\' => shown.push(c),
                c if c.is_whitespace() => shown.push(' '),
                c => shown.extend(c.escape_debug()),
            }
        }
    }
    shown.trim().to_owned()
}

/// The text of the first element of a name, in the XML that S3, Google and Azure return.
pub(super) fn element(body: &str, name: &str) -> Option<String> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once('<')?;
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&");
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str) -> StoreFailure {
        let body = format!("<Error><Code>{code}</Code></Error>");
        let status = StatusCode::from_u16(status).unwrap();
        StoreFailure::refused("store.example", status, body.as_bytes())
    }

    #[test]
    fn a_status_is_transient_as_in_the_transport_and_a_code_only_as_s3_documents() {
        for status in 300..600 {
            let kind = ErrorKind::Link {
                status: StatusCode::from_u16(status).unwrap(),
                retry_after: None,
            };
            let passes = atlas_transport::Error::from(kind).is_transient();
            for code in ["", "SlowDown", "InternalError", "InvalidPart"] {
                assert_eq!(
                    refused(status, code).is_transient(),
                    passes,
                    "{status} {code}"
                );
            }
        }
        assert!(refused(400, "RequestTimeout").is_transient());
        for (code, passes) in [
            ("InternalError", true),
            ("SlowDown", true),
            ("ServiceUnavailable", true),
            ("InvalidPart", false),
            ("NoSuchUpload", false),
            ("", false),
        ] {
            assert_eq!(refused(200, code).is_transient(), passes, "{code}");
        }
    }

    #[test]
    fn every_transient_failure_of_a_working_server_may_have_been_applied() {
        for (status, applied) in [
            (400, false),
            (408, true),
            (429, false),
            (500, true),
            (501, false),
            (503, false),
            (504, true),
            (520, true),
        ] {
            assert_eq!(refused(status, "").maybe_applied(), applied, "{status}");
        }
    }

    #[test]
    fn a_requested_wait_is_read_in_seconds_and_debug_reads_like_display() {
        for (header, asked) in [
            ("7", Some(Duration::from_secs(7))),
            ("18446744073709551615", Some(Duration::from_secs(u64::MAX))),
            ("18446744073709551616", None),
            ("-1", None),
            ("soon", None),
        ] {
            let value = http::HeaderValue::from_static(header);
            let failure = refused(503, "SlowDown").retried_after(Some(&value));
            assert_eq!(failure.retry_after(), asked, "{header}");
            assert_eq!(format!("{failure:?}"), failure.to_string());
        }
    }
}
