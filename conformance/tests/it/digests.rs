//! The judge of digests: right about what others computed, and not to be fooled.

use atlas_conformance::{Difference, DigestAnswer};
use serde::Deserialize;

/// An `Authorization` that somebody else computed.
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
fn digests_that_others_computed_are_right() {
    for vector in vectors() {
        let fault = vector.fault(&vector.authorization, &vector.method, &vector.password);
        assert_eq!(fault, None, "{}", vector.source);
    }
}

#[test]
fn a_digest_with_anything_changed_is_wrong() {
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
    // Computed by Python's hashlib as RFC 7616 section 3.4.3 says.
    let authorization = "Digest username=\"testuser\", realm=\"testrealm\", nonce=\"n\", \
        uri=\"/x\", cnonce=\"c0ffee\", nc=00000001, qop=auth-int, \
        response=\"25bc4184281784df8929020674a3073f\"";
    let answer = DigestAnswer::parse(authorization).unwrap();
    let fault = |body: &[u8]| answer.fault("POST", "/x", body, "testuser", "testpass", None);
    assert_eq!(fault(b"{}"), None);
    assert!(fault(b"").is_some() && fault(b"[]").is_some());
}

#[test]
fn a_user_beyond_ascii_may_be_named_in_a_quoted_text() {
    // Computed by Python's hashlib as RFC 7616 section 3.4.2 says.
    let authorization = "Digest username=\"Jäsøn Doe\", realm=\"testrealm\", nonce=\"n\", \
        uri=\"/x\", response=\"c7b98f23ec994755339a8134a3b9c673\"";
    let answer = DigestAnswer::parse(authorization).unwrap();
    let fault = |user: &str| answer.fault("GET", "/x", b"", user, "testpass", None);
    assert_eq!(fault("Jäsøn Doe"), None);
    assert!(fault("Jason Doe").is_some());
}
