//! Reading digest challenges: which one to answer, and with which nonce.
//!
//! The grammar is the `http-auth` crate's (RFC 9110 section 11.6.1). Around it stands what real
//! servers need: white space of any length, an algorithm in any case, a scheme before or after
//! whose credentials are no parameters (`Negotiate abc==`), and `nextnonce`.

use http::HeaderMap;
use http::header::{HeaderName, WWW_AUTHENTICATE};
use http_auth::digest::{Algorithm, DigestClient, Qop};
use http_auth::parser::ChallengeParser;
use http_auth::{ChallengeRef, ParamValue};

/// A digest challenge that can be answered, as it was given; its use is counted in the
/// [`DigestClient`] made from it.
#[derive(Debug)]
pub(crate) struct Challenge {
    /// Names and values, the values still escaped.
    parameters: Vec<(String, String)>,
}

/// Why no challenge can be answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no digest challenge.
    NoDigest,
    /// There is one, but not one that can be answered.
    Unusable(String),
}

impl Challenge {
    /// The strongest challenge over all `WWW-Authenticate` headers, and whether it says that the
    /// last nonce was stale. Other schemes, Basic among them, are passed over.
    pub(crate) fn strongest(headers: &HeaderMap) -> Result<(Self, DigestClient), Refusal> {
        let mut best: Option<(Self, DigestClient)> = None;
        let mut refusal = Refusal::NoDigest;
        for value in headers.get_all(WWW_AUTHENTICATE) {
            let text = String::from_utf8_lossy(value.as_bytes());
            let text = collapse(&text);
            match digests(&text) {
                Ok(challenges) => {
                    for challenge in challenges {
                        match challenge.client() {
                            Ok(client) => {
                                let stronger = best.as_ref().is_none_or(|(_, best)| {
                                    strength(client.algorithm()) > strength(best.algorithm())
                                });
                                if stronger {
                                    best = Some((challenge, client));
                                }
                            }
                            Err(problem) => refusal = Refusal::Unusable(problem),
                        }
                    }
                }
                Err(problem) => refusal = Refusal::Unusable(problem),
            }
        }
        best.ok_or(refusal)
    }

    /// The same challenge with another nonce, from `Authentication-Info` (RFC 7616 section 3.5).
    pub(crate) fn renewed(&self, headers: &HeaderMap) -> Option<(Self, DigestClient)> {
        let value = headers.get(HeaderName::from_static("authentication-info"))?;
        // The header has the grammar of a challenge's parameters.
        let text = format!("Digest {}", String::from_utf8_lossy(value.as_bytes()));
        let info = digests(&collapse(&text)).ok()?.pop()?;
        let nonce = info.get("nextnonce").filter(|nonce| !nonce.is_empty())?;
        let parameters = self.parameters.iter().filter_map(|(name, value)| {
            if name.eq_ignore_ascii_case("stale") {
                return None;
            }
            let value = if name.eq_ignore_ascii_case("nonce") {
                nonce
            } else {
                value
            };
            Some((name.clone(), value.to_owned()))
        });
        let renewed = Self {
            parameters: parameters.collect(),
        };
        let client = renewed.client().ok()?;
        Some((renewed, client))
    }

    fn new(parsed: &ChallengeRef<'_>) -> Self {
        let parameters = parsed
            .params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_escaped().to_owned()));
        Self {
            parameters: parameters.collect(),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self
            .parameters
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The algorithm that it names, if it names one.
    pub(crate) fn algorithm(&self) -> Option<&str> {
        self.get("algorithm").map(canonical)
    }

    /// Something that answers this challenge, or why nothing can.
    fn client(&self) -> Result<DigestClient, String> {
        let mut parsed = ChallengeRef::new("Digest");
        for (name, value) in &self.parameters {
            let value = if name.eq_ignore_ascii_case("algorithm") {
                canonical(value)
            } else {
                value
            };
            parsed
                .params
                .push((name, ParamValue::try_from_escaped(value)?));
        }
        let client = DigestClient::try_from(&parsed)?;
        if !(client.qop() & Qop::Auth) {
            return Err("it asks for qop=\"auth-int\" only, which is not supported".to_owned());
        }
        if client.session() && client.rfc2069_compat() {
            // The session's key is made with a cnonce, which is not sent without a qop.
            return Err("it asks for a -sess algorithm without a qop".to_owned());
        }
        Ok(client)
    }
}

/// The digest challenges of one header.
fn digests(text: &str) -> Result<Vec<Challenge>, String> {
    let mut found = Vec::new();
    let mut broken = false;
    // What is no challenge (`NTLM abc==`) ends the parser; it starts again after the next comma.
    for start in std::iter::once(0).chain(commas(text)).take(MAX_STARTS) {
        let (challenges, whole) = parse(text[start..].trim_start());
        let digests = challenges
            .iter()
            .filter(|challenge| challenge.scheme.eq_ignore_ascii_case("digest"));
        found.extend(digests.map(Challenge::new));
        broken = !whole;
        if whole || !found.is_empty() {
            break;
        }
    }
    if found.is_empty() && broken && text.to_ascii_lowercase().contains("digest") {
        return Err("it cannot be parsed".to_owned());
    }
    Ok(found)
}

/// From how many places a header is read before it is given up.
const MAX_STARTS: usize = 16;

/// The challenges up to the first error, and whether there was none.
fn parse(text: &str) -> (Vec<ChallengeRef<'_>>, bool) {
    let mut challenges = Vec::new();
    for challenge in ChallengeParser::new(text) {
        match challenge {
            Ok(challenge) => challenges.push(challenge),
            Err(_) => return (challenges, false),
        }
    }
    (challenges, true)
}

/// Where each element after the first begins: after a comma outside of quotes.
fn commas(text: &str) -> impl Iterator<Item = usize> + '_ {
    let mut quotes = Quotes::default();
    text.bytes()
        .enumerate()
        .filter(move |(_, byte)| !quotes.inside(*byte) && *byte == b',')
        .map(|(index, _)| index + 1)
}

/// The text with runs of white space outside of quotes as single spaces.
fn collapse(text: &str) -> String {
    let mut quotes = Quotes::default();
    let mut out = String::with_capacity(text.len());
    for c in text.trim_matches([' ', '\t', ',']).chars() {
        let byte = if c.is_ascii() { c as u8 } else { b'x' };
        if quotes.inside(byte) || !matches!(c, ' ' | '\t') {
            out.push(c);
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out
}

/// Follows quoted strings (RFC 9110 section 5.6.4).
#[derive(Default)]
struct Quotes {
    open: bool,
    escaped: bool,
}

impl Quotes {
    /// Whether the next byte stands within a quoted string.
    fn inside(&mut self, byte: u8) -> bool {
        let inside = self.open;
        if self.escaped {
            self.escaped = false;
        } else if self.open && byte == b'\\' {
            self.escaped = true;
        } else if byte == b'"' {
            self.open = !self.open;
        }
        inside
    }
}

/// An algorithm's name as registered (RFC 7616 section 6.1), whatever its case.
fn canonical(algorithm: &str) -> &str {
    const KNOWN: [&str; 6] = [
        "MD5",
        "MD5-sess",
        "SHA-256",
        "SHA-256-sess",
        "SHA-512-256",
        "SHA-512-256-sess",
    ];
    KNOWN
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(algorithm))
        .unwrap_or(algorithm)
}

fn strength(algorithm: Algorithm) -> u8 {
    match algorithm {
        Algorithm::Md5 => 0,
        Algorithm::Sha256 => 1,
        Algorithm::Sha512Trunc256 => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
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
}
