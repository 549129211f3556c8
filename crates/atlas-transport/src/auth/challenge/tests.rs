use super::*;

fn strongest(values: &[&str]) -> Result<DigestClient, Refusal> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(WWW_AUTHENTICATE, value.parse().unwrap());
    }
    Challenge::strongest(&headers).map(|(_, client)| client)
}

#[test]
fn a_next_nonce_replaces_the_nonce_and_nothing_else() {
    let mut headers = HeaderMap::new();
    headers.insert(
        WWW_AUTHENTICATE,
        "Digest realm=\"a \\\"b\\\"\", nonce=\"n1\", algorithm=sha-256, qop=auth, \
         opaque=\"o\", stale=true"
            .parse()
            .unwrap(),
    );
    let (challenge, _) = Challenge::strongest(&headers).unwrap();
    let renewed = |info: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("authentication-info", info.parse().unwrap());
        challenge.renewed(&headers).map(|(_, client)| client)
    };
    let client = renewed("qop=auth,  nextnonce=\"n,2\",rspauth=\"x\", nc=00000001").unwrap();
    assert_eq!(client.nonce(), "n,2");
    assert_eq!(client.realm(), "a \"b\"");
    assert_eq!(client.opaque(), Some("o"));
    assert!(!client.stale() && client.nonce_count() == 0);
    for nothing in ["rspauth=\"x\"", "nextnonce=\"\"", "nextnonce=\"open", "=="] {
        assert!(renewed(nothing).is_none(), "{nothing}");
    }
}

#[test]
fn of_several_algorithms_the_strongest_wins_in_every_order_and_the_first_among_equals() {
    let offer = |algorithm: &str, nonce: &str| {
        format!("Digest realm=\"r\", nonce=\"{nonce}\", qop=\"auth\", algorithm={algorithm}")
    };
    let weakest_first = ["MD5", "SHA-256", "SHA-512-256"];
    let named = |name: &str| match name {
        "MD5" => Algorithm::Md5,
        "SHA-256" => Algorithm::Sha256,
        _ => Algorithm::Sha512Trunc256,
    };
    for (index, stronger) in weakest_first.iter().enumerate() {
        for weaker in &weakest_first[..index] {
            for order in [[*stronger, *weaker], [*weaker, *stronger]] {
                let offers = order.map(|algorithm| offer(algorithm, "n"));
                let client = strongest(&offers.each_ref().map(String::as_str)).unwrap();
                assert_eq!(client.algorithm(), named(stronger), "{order:?}");
            }
        }
    }
    let offers = [offer("MD5", "first"), offer("MD5", "second")];
    let client = strongest(&offers.each_ref().map(String::as_str)).unwrap();
    assert_eq!(client.nonce(), "first");
}

#[test]
fn commas_within_quotes_do_not_separate() {
    let text = r#"a="x,y\",z", b, c="\\", d"#;
    let starts: Vec<&str> = commas(text).map(|start| &text[start..]).collect();
    assert_eq!(starts, [r#" b, c="\\", d"#, r#" c="\\", d"#, " d"]);
    assert_eq!(collapse("a  \t b=\"x  y\"  ,"), "a b=\"x  y\"");
}

#[test]
fn an_invalid_neighbour_does_not_duplicate_a_challenge() {
    let text = r#"Digest realm="r", nonce="n", NTLM abc=="#;
    assert_eq!(digests(text).unwrap().len(), 1);
    let text = r#"NTLM abc==, Digest realm="r", nonce="n""#;
    assert_eq!(digests(text).unwrap().len(), 1);
}

#[test]
fn a_stronger_challenge_is_found_after_an_invalid_one() {
    let client = strongest(&[
        r#"Digest realm="r", nonce="n", qop="auth", algorithm=MD5, NTLM abc==, Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256"#,
    ]);
    assert_eq!(client.unwrap().algorithm(), Algorithm::Sha256);
}

#[test]
fn a_malformed_digest_challenge_differs_from_none() {
    let refusal = |header: &str| strongest(&[header]).err();
    let broken = Refusal::Unusable("it is malformed".to_owned());
    assert_eq!(refusal("Digest realm=\"open"), Some(broken));
    for none in ["Basic realm=\"digest\"", "NTLM abc==", "Basic realm=\"open"] {
        assert_eq!(refusal(none), Some(Refusal::NoDigest), "{none}");
    }
}
