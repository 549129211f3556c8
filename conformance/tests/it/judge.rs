//! The judge of digests: right about what others computed, and not to be fooled.

use atlas_conformance::DigestAnswer;
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
    fn fault(&self, authorization: &str, method: &str, password: &str) -> Option<String> {
        let answer = DigestAnswer::parse(authorization).unwrap();
        answer.fault(method, &self.target, &self.user, password, None)
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
