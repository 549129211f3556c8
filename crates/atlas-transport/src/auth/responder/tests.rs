use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

use super::*;

impl Responder {
    /// Uses the nonce as often as possible.
    pub(in crate::auth) fn use_up(&mut self) {
        self.count = u32::MAX;
    }
}

const NAME: (&str, &str) = ("Mufasa", "Circle of Life");

fn responder(challenge: &str, who: (&str, &str), cnonce: Cnonce) -> Result<Responder, String> {
    let mut headers = HeaderMap::new();
    headers.insert(WWW_AUTHENTICATE, challenge.parse().unwrap());
    let (challenge, parsed) = Challenge::strongest(&headers).unwrap();
    let password = who.1.to_owned().into();
    Responder::with_cnonce(&challenge, &parsed, who.0, &password, cnonce)
}

fn answer(challenge: &str, who: (&str, &str), uri: &str, cnonce: &str) -> String {
    let cnonce = Cnonce::Fixed(cnonce.to_owned());
    let mut responder = responder(challenge, who, cnonce).unwrap();
    text(&responder.respond("GET", uri).unwrap()).to_owned()
}

fn text(header: &HeaderValue) -> &str {
    std::str::from_utf8(header.as_bytes()).unwrap()
}

#[test]
fn the_header_for_rfc_2617_section_3_5_is_the_printed_one() {
    let challenge = "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", \
        nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", \
        opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
    let who = ("Mufasa", "Circle Of Life");
    assert_eq!(
        answer(challenge, who, "/dir/index.html", "0a4f113b"),
        "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", uri=\"/dir/index.html\", \
         nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", algorithm=MD5, nc=00000001, \
         cnonce=\"0a4f113b\", qop=auth, response=\"6629fae49393a05397450978507c4ef1\", \
         opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""
    );
}

#[test]
fn the_responses_for_rfc_7616_section_3_9_1_are_the_printed_ones() {
    for (algorithm, response) in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        (
            "SHA-256",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ] {
        let challenge = format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", \
             algorithm={algorithm}, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
             opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        );
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let header = answer(&challenge, NAME, "/dir/index.html", cnonce);
        let response = format!("response=\"{response}\"");
        assert!(header.contains(&response), "{header}");
    }
}

#[test]
fn the_user_of_rfc_7616_section_3_9_2_is_hashed_and_a_utf_8_name_is_sent_extended() {
    let challenge = "Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, \
        nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", \
        opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", charset=UTF-8";
    let who = ("J\u{e4}s\u{f8}n Doe", "Secret, or not?");
    let cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm";
    let header = answer(
        &format!("{challenge}, userhash=true"),
        who,
        "/doe.json",
        cnonce,
    );
    let hashed = "username=\"793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b\", \
        userhash=true";
    assert!(header.contains(hashed), "{header}");
    let header = answer(challenge, who, "/doe.json", cnonce);
    let extended = "username*=UTF-8''J%C3%A4s%C3%B8n%20Doe,";
    assert!(header.contains(extended), "{header}");
}

/// `http-auth` is the reference; its interface for a given cnonce is for tests only.
#[test]
fn every_algorithm_has_the_header_of_the_http_auth_crate() {
    let uris = ["/", "/api/atlas/v2/groups?pageNum=2", "/a\\b"];
    for (qop, names) in [
        (", qop=\"auth\"", &["MD5", "MD5-sess", "SHA-256"][..]),
        (
            ", qop=\"auth\"",
            &["SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"],
        ),
        ("", &["MD5", "SHA-256"]),
    ] {
        for algorithm in names {
            let challenge = format!(
                "Digest realm=\"a \\\"b\\\"\", nonce=\"n\\\\1\", opaque=\"o\", \
                 algorithm={algorithm}{qop}"
            );
            let mut headers = HeaderMap::new();
            headers.insert(WWW_AUTHENTICATE, challenge.parse().unwrap());
            let (_, mut other) = Challenge::strongest(&headers).unwrap();
            let cnonce = match qop {
                "" => Cnonce::None,
                _ => Cnonce::Fixed("c0ffee".to_owned()),
            };
            let mut ours = responder(&challenge, ("u \"1\"", "p"), cnonce).unwrap();
            for uri in uris {
                let params = http_auth::PasswordParams {
                    username: "u \"1\"",
                    password: "p",
                    uri,
                    method: "GET",
                    body: None,
                };
                let mut expected = other
                    .respond_with_testing_cnonce(&params, "c0ffee")
                    .unwrap();
                if qop.is_empty() {
                    expected = format!("{expected}, algorithm={algorithm}");
                }
                let header = ours.respond("GET", uri).unwrap();
                assert_eq!(text(&header), expected);
            }
        }
    }
}

#[test]
fn each_request_has_its_own_count_and_cnonce_and_debug_shows_no_secret() {
    let challenge = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"";
    let mut headers = HeaderMap::new();
    headers.insert(WWW_AUTHENTICATE, challenge.parse().unwrap());
    let (challenge, parsed) = Challenge::strongest(&headers).unwrap();
    let password = "pr1vate".to_owned().into();
    let mut responder = Responder::new(&challenge, &parsed, "u", &password).unwrap();
    let headers = [(); 3].map(|()| responder.respond("GET", "/").unwrap());
    let value = |header: &HeaderValue, name: &str| {
        let (_, rest) = text(header).split_once(name).unwrap();
        rest.trim_start_matches('"')[..8].to_owned() + rest.split(',').next().unwrap()
    };
    for (index, header) in headers.iter().enumerate() {
        assert!(header.is_sensitive() && !format!("{header:?}").contains("Digest"));
        assert!(text(header).contains(&format!("nc=0000000{}", index + 1)));
    }
    assert_ne!(value(&headers[0], "cnonce="), value(&headers[1], "cnonce="));
    assert_ne!(
        value(&headers[0], "response="),
        value(&headers[1], "response=")
    );
}

#[test]
fn an_invalid_target_or_a_used_up_nonce_has_no_header() {
    let challenge = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"";
    let mut good = responder(challenge, NAME, Cnonce::Fixed("c".to_owned())).unwrap();
    assert!(good.respond("GET", "/a\nb").is_none());
    good.use_up();
    assert!(!good.is_usable() && good.respond("GET", "/").is_none());
}
