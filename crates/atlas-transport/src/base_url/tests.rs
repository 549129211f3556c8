//! Valid and invalid base URLs.

use super::*;

#[test]
fn a_uri_loses_its_user_and_nothing_else() {
    for (uri, expected) in [
        (
            "https://u:s3cret@a.example:1/b?c@d",
            "https://a.example:1/b?c@d",
        ),
        ("https://u@a.example/", "https://a.example/"),
        ("https://a.example/@b", "https://a.example/@b"),
        ("http://u:p@[::1]:8080/", "http://[::1]:8080/"),
        ("/origin@form", "/origin@form"),
    ] {
        assert_eq!(without_user(uri.parse().unwrap()).to_string(), expected);
    }
}

#[test]
fn plain_http_to_another_machine_is_an_opt_in_for_its_host_only() {
    let base = BaseUrl::allowing_plain_http("http://atlas:8080/prefix/").unwrap();
    assert_eq!(base.to_string(), "http://atlas:8080/prefix");
    assert!(base.sends_in_the_clear());
    for (scheme, host, allowed) in [
        (Scheme::HTTP, "atlas", Some(true)),
        (Scheme::HTTP, "ATLAS", Some(true)),
        (Scheme::HTTP, "atlas.example", Some(false)),
        (Scheme::HTTP, "127.0.0.1", Some(true)),
        (Scheme::HTTPS, "files.example", Some(true)),
        ("ftp".parse().unwrap(), "atlas", None),
    ] {
        assert_eq!(
            base.allows_link(&scheme, host),
            allowed,
            "{scheme}://{host}"
        );
    }
    for text in ["http://127.0.0.1:1", "https://atlas:8080"] {
        let base = BaseUrl::allowing_plain_http(text).unwrap();
        assert!(!base.sends_in_the_clear());
        assert_eq!(base.allows_link(&Scheme::HTTP, "atlas"), Some(false));
    }
    for text in [
        "ftp://atlas",
        "http://u:p@atlas",
        "http://atlas?a",
        "atlas:8080",
    ] {
        assert!(BaseUrl::allowing_plain_http(text).is_err(), "{text}");
    }
}

#[test]
fn a_host_and_port_that_cannot_be_connected_to_are_refused() {
    let problem = |text: &str| check_authority(&text.parse().unwrap()).err();
    for good in [
        "a.example",
        "a.example:1",
        "a.example:65535",
        "a.example:",
        "a.example.",
        "u:p@a:1",
        "127.0.0.1:80",
        "[::1]",
        "[::1]:1",
        "a_b.example",
        "localhost",
    ] {
        assert_eq!(problem(good), None, "{good}");
    }
    for bad in [
        "a.example:0",
        "a.example:65536",
        "127.0.0.1:99999",
        "a:18446744073709551617",
        "[::1]:99999",
        "u:1@a:70000",
    ] {
        assert_eq!(problem(bad), Some(BAD_PORT), "{bad}");
    }
    for bad in [
        "a..example",
        ".a.example",
        "[::zz]",
        "[1.2.3.4]",
        "1.2.3.4.5",
        "300.1.1.1",
        "a$b",
        "1.2.3",
    ] {
        assert_eq!(problem(bad), Some(BAD_HOST), "{bad}");
    }
    let long = format!("{}.example", "a".repeat(64));
    assert_eq!(problem(&long), Some(BAD_HOST));
}

#[test]
fn the_path_of_the_api_is_removed_and_that_of_another_is_an_error() {
    for (text, expected) in [
        ("https://a.example/api/atlas/v2", "https://a.example"),
        ("https://a.example/api/atlas/v2/", "https://a.example"),
        ("https://a.example//api/atlas//v2//", "https://a.example"),
        ("https://a.example/api/atlas/v1.0", "https://a.example"),
        ("https://a.example/api/atlas/v1.5/", "https://a.example"),
        ("https://a.example/api/atlas/", "https://a.example"),
        ("https://a.example/b/api/atlas/v2", "https://a.example/b"),
        ("https://a.example/api", "https://a.example/api"),
        ("https://a.example/api/other", "https://a.example/api/other"),
        ("https://a.example/v2/", "https://a.example/v2"),
    ] {
        let base: BaseUrl = text.parse().unwrap();
        assert_eq!(base.to_string(), expected, "{text}");
    }
    for (text, path) in [
        (
            "https://a.example/api/atlas/v2/groups",
            "/api/atlas/v2/groups",
        ),
        ("https://a.example/api/atlas/groups/", "/api/atlas/groups"),
        ("https://a.example/api/public/v1.0/", "/api/public/v1.0"),
    ] {
        let error = text.parse::<BaseUrl>().unwrap_err();
        let line = format!("the base URL must end before /api/atlas/v2; remove {path}");
        assert_eq!(error.to_string(), line);
        assert_eq!(format!("{error:?}"), line);
    }
}

#[test]
fn an_invalid_base_url_is_shown_without_possible_secrets() {
    for text in [
        "https://a.example/?key=s3cret",
        "https://a.example/#s3cret",
        "https://u:s3cret@a.example/",
        "s3cret@a.example",
    ] {
        let error = text.parse::<BaseUrl>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
    }
}
