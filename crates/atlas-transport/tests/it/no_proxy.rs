//! `fixtures/no-proxy.json` against the parser of `NO_PROXY`.

/// The parser's source, since it is private to the crate.
#[path = "../../src/proxy/exceptions.rs"]
mod exceptions;

use exceptions::Exceptions;

/// `conformance/tests/interop/no_proxy.rs` runs curl on the same rows.
const ROWS: &str = include_str!("../../../../fixtures/no-proxy.json");

#[test]
fn every_row_of_the_fixture_has_the_expected_route() {
    let rows: serde_json::Value = serde_json::from_str(ROWS).unwrap();
    let rows = rows.as_array().unwrap();
    assert!(rows.len() > 40);
    for row in rows {
        let list = row["list"].as_str().unwrap();
        let direct = row["direct"].as_bool().unwrap();
        let host = row["host"].as_str().unwrap();
        let found = Exceptions::parse(list).contain(host);
        assert_eq!(found, direct, "{list:?} and {host}");
    }
}
