//! Tests of the judge of digests: it accepts digests computed by others and refuses altered ones.

use atlas_conformance::{Difference, DigestAnswer};
use serde::Deserialize;

/// An `Authorization` computed by another program.
#[derive(Deserialize)]
struct Vector {
    source: String,
    method: String,
    target: String,
    user: String,
    password: String,
    authorization: String,
}

impl Vector {
    fn fault(&self, authorization: &str, method: &str, password: &str) -> Option<Difference> {
        let answer = DigestAnswer::parse(authorization).unwrap();
        answer.fault(method, &self.target, b"", &self.user, password, None)
    }
}

fn vectors() -> Vec<Vector> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../fixtures/digest-vectors.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn digests_computed_by_others_are_valid() {
    for vector in vectors() {
        let fault = vector.fault(&vector.authorization, &vector.method, &vector.password);
        assert_eq!(fault, None, "{}", vector.source);
    }
}

#[test]
fn an_altered_digest_is_invalid() {
    for vector in vectors() {
        let right = &vector.authorization;
        let put = |method: &str| vector.fault(right, method, &vector.password);
        assert!(put("PUT").is_some(), "{}", vector.source);
        let other = vector.fault(right, &vector.method, "other");
        assert!(other.is_some(), "{}", vector.source);
        for part in [
            "nonce=\"",
            "realm=\"",
            "uri=\"/",
            "username=\"",
            "response=\"",
            "nc=0",
        ] {
            if !right.contains(part) {
                continue;
            }
            let changed = right.replacen(part, &format!("{part}0"), 1);
            let fault = vector.fault(&changed, &vector.method, &vector.password);
            assert!(fault.is_some(), "{}: {changed}", vector.source);
        }
    }
}

#[test]
fn a_digest_with_auth_int_covers_the_body() {
    // Computed with Python's hashlib by RFC 7616 section 3.4.3.
    let authorization = "Digest username=\"testuser\", realm=\"testrealm\", nonce=\"n\", \
        uri=\"/x\", cnonce=\"c0ffee\", nc=00000001, qop=auth-int, \
        response=\"25bc4184281784df8929020674a3073f\"";
    let answer = DigestAnswer::parse(authorization).unwrap();
    let fault = |body: &[u8]| answer.fault("POST", "/x", body, "testuser", "testpass", None);
    assert_eq!(fault(b"{}"), None);
    assert!(fault(b"").is_some() && fault(b"[]").is_some());
}

#[test]
fn a_non_ascii_user_may_be_in_a_quoted_string() {
    // Computed with Python's hashlib by RFC 7616 section 3.4.2.
    let authorization = "Digest username=\"Jäsøn Doe\", realm=\"testrealm\", nonce=\"n\", \
        uri=\"/x\", response=\"c7b98f23ec994755339a8134a3b9c673\"";
    let answer = DigestAnswer::parse(authorization).unwrap();
    let fault = |user: &str| answer.fault("GET", "/x", b"", user, "testpass", None);
    assert_eq!(fault("Jäsøn Doe"), None);
    assert!(fault("Jason Doe").is_some());
}
