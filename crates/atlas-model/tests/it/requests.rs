//! Building requests, with operations declared here.

use atlas_model::{
    ApiVersion, BuildError, CallOptions, Empty, Format, NoBody, Operation, OperationExt,
    OperationMeta, RequestWriter, Version,
};
use http::Method;

/// An operation with parameters of every kind.
struct Everything {
    name: String,
    lists: Option<Vec<String>>,
    number: Option<i64>,
    country: Option<String>,
}

impl Everything {
    fn new() -> Self {
        Self {
            name: "a".to_owned(),
            lists: None,
            number: None,
            country: None,
        }
    }

    fn target(&self, options: &CallOptions) -> Result<String, BuildError> {
        Ok(self.to_request(options)?.uri().to_string())
    }
}

impl Operation for Everything {
    const META: &'static OperationMeta = &OperationMeta::new(
        "everything",
        Method::GET,
        "/api/atlas/v2/{name}.gz:do",
        &[Version::new(2023, 1, 1), Version::new(2025, 3, 12)],
    )
    .format(Format::Gzip);

    type Response = Empty;
    type Body = NoBody;

    fn encode(&self, out: &mut RequestWriter) {
        out.path("name", &self.name);
        out.query_list("list", self.lists.as_ref());
        out.query("number", self.number.as_ref());
        out.check_range("number", self.number, Some(1), Some(12));
        out.query("country", self.country.as_ref());
        out.check_pattern("country", self.country.as_ref(), "^([A-Z]{2})$");
        out.header("X-Number", self.number.as_ref());
    }
}

/// An operation that does not set its parameter and has no envelope.
struct Forgetful;

impl Operation for Forgetful {
    const META: &'static OperationMeta =
        &OperationMeta::new("forgetful", Method::GET, "/{name}", &[Version::preview()])
            .without_envelope();

    type Response = Empty;
    type Body = NoBody;

    fn encode(&self, _: &mut RequestWriter) {}
}

#[test]
fn arrays_are_repeated_and_text_may_follow_a_name() {
    let mut everything = Everything::new();
    everything.lists = Some(vec!["a b".to_owned(), "c&d".to_owned()]);
    everything.number = Some(7);
    let options = CallOptions {
        envelope: true,
        pretty: true,
        ..CallOptions::default()
    };
    assert_eq!(
        everything.target(&options).unwrap(),
        "/api/atlas/v2/a.gz:do?list=a%20b&list=c%26d&number=7&envelope=true&pretty=true"
    );
    let request = everything.to_request(&CallOptions::default()).unwrap();
    assert_eq!(request.headers()["x-number"], "7");
    assert_eq!(
        request.headers()["accept"],
        "application/vnd.atlas.2025-03-12+gzip"
    );
}

#[test]
fn a_value_outside_its_bounds_is_refused_and_named() {
    for (number, country, expected) in [
        (
            Some(0),
            None,
            "invalid number \"0\" of everything: expected a number from 1 to 12",
        ),
        (
            Some(13),
            None,
            "invalid number \"13\" of everything: expected a number from 1 to 12",
        ),
        (
            None,
            Some("us"),
            "invalid country \"us\" of everything: expected two uppercase letters, such as US",
        ),
    ] {
        let mut everything = Everything::new();
        everything.number = number;
        everything.country = country.map(str::to_owned);
        let error = everything.target(&CallOptions::default()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let mut fine = Everything::new();
    (fine.number, fine.country) = (Some(12), Some("US".to_owned()));
    assert!(fine.target(&CallOptions::default()).is_ok());
}

/// An operation with a required list and an undocumented pattern.
struct Filled(Vec<String>, Option<String>);

impl Operation for Filled {
    const META: &'static OperationMeta =
        &OperationMeta::new("filled", Method::GET, "/filled", &[Version::preview()]);

    type Response = Empty;
    type Body = NoBody;

    fn encode(&self, out: &mut RequestWriter) {
        out.query_list("metrics", Some(&self.0));
        out.check_filled("metrics", &self.0);
        out.check_pattern("word", self.1.as_ref(), "^[a-z]$");
    }
}

#[test]
fn an_empty_required_list_and_an_unknown_pattern_are_refused() {
    let built = |list: &[&str], word: Option<&str>| {
        let list = list.iter().map(|it| (*it).to_owned()).collect();
        Filled(list, word.map(str::to_owned)).to_request(&CallOptions::default())
    };
    assert!(built(&["A"], None).is_ok());
    let error = built(&[], None).unwrap_err().to_string();
    assert_eq!(
        error,
        "invalid metrics \"\" of filled: expected at least one value"
    );
    let error = built(&["A"], Some("a")).unwrap_err().to_string();
    assert!(
        error.ends_with("expected a documented pattern, not ^[a-z]$"),
        "{error}"
    );
}

#[test]
fn a_path_parameter_without_a_value_and_an_unsupported_envelope_are_errors() {
    let error = Forgetful.to_request(&CallOptions::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the path of forgetful needs a value for name"
    );
    let options = CallOptions {
        envelope: true,
        ..CallOptions::default()
    };
    let error = Forgetful.to_request(&options).unwrap_err();
    assert_eq!(
        error.to_string(),
        "forgetful does not support envelopes; leave the option envelope out"
    );
}

#[test]
fn a_preview_is_requested_by_name_and_newer_than_every_date() {
    let date: ApiVersion = "2999-01-01".parse().unwrap();
    assert!(ApiVersion::PREVIEW > date);
    assert_eq!("preview".parse(), Ok(ApiVersion::PREVIEW));
    assert_eq!(
        ApiVersion::PREVIEW.json().to_string(),
        "application/vnd.atlas.preview+json"
    );
    assert_eq!(ApiVersion::PREVIEW.date(), None);
}
