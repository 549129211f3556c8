use http_auth::PasswordParams;

use super::*;

fn strongest(values: &[&str]) -> Result<DigestClient, Refusal> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(WWW_AUTHENTICATE, value.parse().unwrap());
    }
    Challenge::strongest(&headers).map(|(_, client)| client)
}

fn answer(client: &mut DigestClient, who: (&str, &str), uri: &str, cnonce: &str) -> String {
    let params = PasswordParams {
        username: who.0,
        password: who.1,
        uri,
        method: "GET",
        body: None,
    };
    client.respond_with_testing_cnonce(&params, cnonce).unwrap()
}

#[test]
fn the_example_of_rfc_2617_section_3_5_is_answered_as_printed_there() {
    let mut client = strongest(&[
        "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", \
        nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", \
        opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
    ])
    .unwrap();
    let who = ("Mufasa", "Circle Of Life");
    let header = answer(&mut client, who, "/dir/index.html", "0a4f113b");
    assert!(
        header.contains("response=\"6629fae49393a05397450978507c4ef1\""),
        "{header}"
    );
    assert!(header.contains("opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""));
}

#[test]
fn both_challenges_of_rfc_7616_section_3_9_1_are_answered_as_printed_there() {
    let challenge = |algorithm: &str| {
        format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", \
             algorithm={algorithm}, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
             opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        )
    };
    let (weak, strong) = (challenge("MD5"), challenge("SHA-256"));
    let cases = [
        (vec![weak.as_str()], "8ca523f5e9506fed4657c9700eebdbec"),
        (
            vec![weak.as_str(), strong.as_str()],
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ];
    for (challenges, response) in cases {
        let mut client = strongest(&challenges).unwrap();
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let header = answer(
            &mut client,
            ("Mufasa", "Circle of Life"),
            "/dir/index.html",
            cnonce,
        );
        assert!(
            header.contains(&format!("response=\"{response}\"")),
            "{header}"
        );
    }
}

#[test]
fn the_user_of_rfc_7616_section_3_9_2_is_hashed_and_a_utf_8_name_travels_extended() {
    let challenge = "Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, \
        nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", \
        opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", charset=UTF-8";
    let name = ("J\u{e4}s\u{f8}n Doe", "Secret, or not?");
    let cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm";
    let mut hashed = strongest(&[&format!("{challenge}, userhash=true")]).unwrap();
    let header = answer(&mut hashed, name, "/doe.json", cnonce);
    assert!(
        header.contains(
            "username=\"793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b\""
        ),
        "{header}"
    );
    let mut plain = strongest(&[challenge]).unwrap();
    let header = answer(&mut plain, name, "/doe.json", cnonce);
    assert!(
        header.contains("username*=UTF-8''J%C3%A4s%C3%B8n%20Doe"),
        "{header}"
    );
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
    for (index, stronger) in weakest_first.iter().enumerate() {
        for weaker in &weakest_first[..index] {
            for order in [[*stronger, *weaker], [*weaker, *stronger]] {
                let offers = order.map(|algorithm| offer(algorithm, "n"));
                let client = strongest(&offers.each_ref().map(String::as_str)).unwrap();
                let answer = answer(&mut { client }, ("u", "p"), "/", "c");
                let chosen = format!("algorithm={stronger},");
                assert!(answer.contains(&chosen), "{order:?}: {answer}");
            }
        }
    }
    let offers = [offer("MD5", "first"), offer("MD5", "second")];
    let client = strongest(&offers.each_ref().map(String::as_str)).unwrap();
    let answer = answer(&mut { client }, ("u", "p"), "/", "c");
    assert!(answer.contains("nonce=\"first\""), "{answer}");
}

#[test]
fn commas_within_quotes_begin_nothing() {
    let text = r#"a="x,y\",z", b, c="\\", d"#;
    let starts: Vec<&str> = commas(text).map(|start| &text[start..]).collect();
    assert_eq!(starts, [r#" b, c="\\", d"#, r#" c="\\", d"#, " d"]);
    assert_eq!(collapse("a  \t b=\"x  y\"  ,"), "a b=\"x  y\"");
}

#[test]
fn what_follows_a_challenge_and_is_none_does_not_make_it_two() {
    let text = r#"Digest realm="r", nonce="n", NTLM abc=="#;
    assert_eq!(digests(text).unwrap().len(), 1);
    let text = r#"NTLM abc==, Digest realm="r", nonce="n""#;
    assert_eq!(digests(text).unwrap().len(), 1);
}

#[test]
fn a_stronger_challenge_is_found_behind_what_is_none() {
    let client = strongest(&[
        r#"Digest realm="r", nonce="n", qop="auth", algorithm=MD5, NTLM abc==, Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256"#,
    ]);
    let answer = answer(&mut client.unwrap(), ("u", "p"), "/", "c");
    assert!(answer.contains("algorithm=SHA-256"), "{answer}");
}

#[test]
fn a_broken_digest_is_told_from_none() {
    let refusal = |header: &str| strongest(&[header]).err();
    let broken = Refusal::Unusable("it cannot be parsed".to_owned());
    assert_eq!(refusal("Digest realm=\"open"), Some(broken));
    for none in ["Basic realm=\"digest\"", "NTLM abc==", "Basic realm=\"open"] {
        assert_eq!(refusal(none), Some(Refusal::NoDigest), "{none}");
    }
}
