//! Expands a case with a matrix into one case for each combination of its values.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::case::{
    Case, ClientCase, Credentials, Expectation, Flow, Kind, Outcome, ScriptedAnswer, SeenRequest,
    TOKEN,
};
use crate::fixtures;

impl Case {
    /// Returns the expanded cases, each with its values in its id: `area/name[auth=digest]`.
    ///
    /// # Errors
    /// Names the unknown row or value of the matrix, or states that there are too many combinations.
    pub fn expand(&self) -> Result<Vec<Self>, String> {
        let combinations = self.matrix.values().map(Vec::len);
        if combinations.fold(1_usize, usize::saturating_mul) > MOST {
            return Err(format!("its matrix has more than {MOST} combinations"));
        }
        let mut chosen: Vec<Vec<(&str, &str)>> = vec![Vec::new()];
        for (name, values) in &self.matrix {
            let more = chosen.iter().flat_map(|known| {
                let values = values.iter().map(|value| (name.as_str(), value.as_str()));
                values.map(|value| [&**known, &[value]].concat())
            });
            chosen = more.collect();
        }
        let expanded = chosen.into_iter().map(|mut values| {
            let mut case = self.clone();
            case.matrix.clear();
            let named: Vec<String> = values
                .iter()
                .map(|(name, it)| format!("{name}={it}"))
                .collect();
            if !named.is_empty() {
                case.id = format!("{}[{}]", self.id, named.join(","));
            }
            // The first exchange of an authentication has no form and no status to choose.
            values.sort_by_key(|(name, _)| *name == "auth");
            for (name, value) in values {
                case.set(name, value)
                    .ok_or_else(|| format!("unknown {name}={value} in its matrix"))?;
            }
            Ok(case)
        });
        expanded.collect()
    }

    /// Returns the case with an API key or a service account for a client without bearer tokens, if
    /// the case is not about credentials.
    pub(crate) fn without_bearer(&self, abilities: &[String]) -> Option<Self> {
        let has = |ability: &str| abilities.iter().any(|it| it == ability);
        let Kind::Client(client) = &self.kind else {
            return None;
        };
        let mut expected = std::iter::once(&client.expect).chain(&client.or);
        let is_free = matches!(&client.call.auth, Credentials::Bearer { token } if token == TOKEN)
            && !expected.any(|it| it.requests.iter().any(SeenRequest::is_about_credentials));
        // An API key may be challenged repeatedly; with a service account, the first of several
        // requests is known.
        let kind = match client.call.times {
            1 if has("digest") => "digest",
            _ if has("oauth") => "oauth",
            _ => return None,
        };
        if has("bearer") || !is_free {
            return None;
        }
        let mut case = self.clone();
        case.set("auth", kind)?;
        Some(case)
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        match (&mut self.kind, name) {
            (Kind::Client(case), "auth") => client_auth(case, value),
            (Kind::Client(case), "form") => client_form(case, value),
            (Kind::Client(case), "status") => client_status(case, value),
            (Kind::Server(case), "auth") => {
                case.request.auth = Some(value.to_owned());
                Some(())
            }
            (Kind::Server(case), "form") => {
                case.request.query = Some(form(value)?.to_owned());
                Some(())
            }
            (Kind::Flow(flow), "auth") => {
                flow_auth(flow, value);
                Some(())
            }
            _ => None,
        }
    }
}

/// The maximum number of expanded cases.
const MOST: usize = 10_000;

impl SeenRequest {
    fn is_about_credentials(&self) -> bool {
        let named = self
            .once
            .iter()
            .chain(&self.absent)
            .chain(self.headers.keys());
        self.digest.is_some()
            || named
                .into_iter()
                .any(|it| it.eq_ignore_ascii_case("authorization"))
    }
}

/// Inserts the first exchange of a kind of credentials before those of the case.
fn client_auth(case: &mut ClientCase, kind: &str) -> Option<()> {
    let mut first = SeenRequest::default();
    let mut rest = SeenRequest::default();
    case.call.auth = match kind {
        "bearer" => {
            let token = TOKEN.to_owned();
            rest.headers
                .insert("authorization".to_owned(), format!("Bearer {token}"));
            Credentials::Bearer { token }
        }
        "digest" => {
            first.absent.push("authorization".to_owned());
            rest.digest = Some(BTreeMap::from([("valid".to_owned(), Value::Bool(true))]));
            case.answers.insert(0, challenge());
            Credentials::Digest {
                user: "testuser".to_owned(),
                password: "testpass".to_owned(),
            }
        }
        "oauth" => {
            first.method = Some("POST".to_owned());
            first.target = Some("/api/oauth/token".to_owned());
            let bearer = "Bearer t1".to_owned();
            rest.headers.insert("authorization".to_owned(), bearer);
            case.answers.insert(0, token());
            Credentials::OAuth {
                id: "mdb_sa_id_0".to_owned(),
                secret: "mdb_sa_sk_0".to_owned(),
            }
        }
        _ => return None,
    };
    for expect in std::iter::once(&mut case.expect).chain(&mut case.or) {
        // Without requests, no token is needed.
        if expect.requests.is_empty() {
            continue;
        }
        authenticate(expect, &rest);
        if kind != "bearer" {
            expect.requests.insert(0, first.clone());
        }
        expect
            .secrets
            .extend(["testpass", "mdb_sa_sk_0"].map(str::to_owned));
    }
    Some(())
}

fn authenticate(expect: &mut Expectation, rest: &SeenRequest) {
    for request in &mut expect.requests {
        request.headers.extend(rest.headers.clone());
        request.digest.clone_from(&rest.digest);
    }
}

fn client_form(case: &mut ClientCase, value: &str) -> Option<()> {
    let query = form(value)?;
    case.call.envelope = value.contains("envelope");
    case.call.pretty = value.contains("pretty");
    // Responses with their own headers keep their form.
    for answer in case.answers.iter_mut().filter(|it| it.headers.is_empty()) {
        answer.envelope = case.call.envelope;
    }
    for expect in std::iter::once(&mut case.expect).chain(&mut case.or) {
        for request in &mut expect.requests {
            if let Some(target) = &mut request.target
                && !query.is_empty()
            {
                target.push(if target.contains('?') { '&' } else { '?' });
                target.push_str(query);
            }
        }
    }
    Some(())
}

/// Responds with a documented status, and expects it to be reported to the caller.
fn client_status(case: &mut ClientCase, value: &str) -> Option<()> {
    let status: u16 = value.parse().ok()?;
    let success = (200..300).contains(&status);
    let page = fixtures::operation(&case.call.operation).ok()?;
    let response = page.responses.iter().find(|it| it.status == status)?;
    for answer in &mut case.answers {
        answer.documented = Some(status);
    }
    let code = response.body["errorCode"].as_str().filter(|_| !success);
    for expect in std::iter::once(&mut case.expect).chain(&mut case.or) {
        expect.outcome = Outcome {
            status: (!success).then_some(status),
            error_code: code.map(str::to_owned),
            ..Outcome::of(if success { "ok" } else { "api_error" })
        };
    }
    Some(())
}

fn flow_auth(flow: &mut Flow, value: &str) {
    for request in flow
        .steps
        .iter_mut()
        .filter_map(|step| step.request.as_mut())
    {
        request.auth = Some(value.to_owned());
    }
}

/// Returns the query of a form.
fn form(name: &str) -> Option<&'static str> {
    Some(match name {
        "plain" => "",
        "envelope" => "envelope=true",
        "pretty" => "pretty=true",
        "envelope-pretty" => "envelope=true&pretty=true",
        _ => return None,
    })
}

/// Returns Atlas's challenge.
fn challenge() -> ScriptedAnswer {
    let challenge = "Digest realm=\"MMS Public API\", domain=\"\", \
        nonce=\"Nfx+VMFO0sY4tpgy1sHRakvvv0NN4S91\", algorithm=MD5, qop=\"auth\", stale=false";
    ScriptedAnswer {
        status: Some(401),
        headers: vec![("www-authenticate".to_owned(), challenge.to_owned())],
        ..ScriptedAnswer::default()
    }
}

fn token() -> ScriptedAnswer {
    ScriptedAnswer {
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        json: Some(json!({"access_token": "t1", "expires_in": 3600, "token_type": "Bearer"})),
        ..ScriptedAnswer::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(call: &Value, headers: &Value) -> Case {
        let case = json!({
            "id": "a/b", "area": "a", "level": "MUST", "since": null, "requires": "", "source": "",
            "client": {
                "call": call,
                "answers": [{"status": 200}],
                "expect": {"requests": [{"headers": headers}], "outcome": {"kind": "ok"}},
            },
        });
        serde_json::from_value(case).unwrap()
    }

    fn login(case: &Case, abilities: &[&str]) -> Option<(String, usize)> {
        let abilities: Vec<String> = abilities.iter().map(ToString::to_string).collect();
        let Kind::Client(client) = case.without_bearer(&abilities)?.kind else {
            return None;
        };
        let auth = serde_json::to_value(&client.call.auth).unwrap();
        let kind = auth["kind"].as_str()?.to_owned();
        assert_eq!(client.answers.len(), client.expect.requests.len());
        Some((kind, client.answers.len()))
    }

    #[test]
    fn a_client_without_bearer_tokens_logs_in_as_it_can() {
        let case = case(&json!({}), &json!({}));
        assert_eq!(
            login(&case, &["oauth", "digest"]),
            Some(("digest".to_owned(), 2))
        );
        assert_eq!(login(&case, &["oauth"]), Some(("oauth".to_owned(), 2)));
        assert_eq!(login(&case, &["digest", "bearer"]), None);
        assert_eq!(login(&case, &[]), None);
    }

    #[test]
    fn a_case_about_credentials_keeps_them() {
        let token = json!({"auth": {"kind": "bearer", "token": "another"}});
        assert_eq!(login(&case(&token, &json!({})), &["digest"]), None);
        let headers = json!({"Authorization": "Bearer t0ken"});
        assert_eq!(login(&case(&json!({}), &headers), &["digest"]), None);
        let repeated = case(&json!({"times": 2}), &json!({}));
        assert_eq!(login(&repeated, &["digest"]), None);
        assert_eq!(
            login(&repeated, &["digest", "oauth"]),
            Some(("oauth".to_owned(), 2))
        );
    }
}
