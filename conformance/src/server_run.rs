//! Putting a case to a server.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use crate::case::{Case, Flow, Kind, PatternCase, Predicates, ServerRequest, Step};
use crate::fixture::DOCUMENTED;
use crate::predicate::{Asked, faults};
use crate::speak::{SpeakError, Speaker};
use crate::target::request;
use crate::variables::Variables;
use crate::verdict::Judgement;
use crate::wire::latin1;

/// A server under test.
#[derive(Debug, Clone)]
pub struct ServerTestee {
    /// Its name, for reports.
    pub name: String,
    /// Where it answers: `http://host:port` or `https://host:port`.
    pub url: String,
    /// What differs from server to server.
    pub variables: Variables,
}

/// Why a case could not be put to a server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PutError {
    #[error(transparent)]
    Speak(#[from] SpeakError),
    #[error("{0}")]
    Case(String),
}

/// Puts a case to a server, and judges it.
pub async fn judge_server(testee: &ServerTestee, case: &Case) -> Judgement {
    let name = &testee.name;
    let flow = match &case.kind {
        Kind::Server(case) => Flow {
            world: case.world.clone(),
            steps: vec![Step::of(case.request.clone(), case.expect.clone())],
        },
        Kind::Flow(flow) => flow.clone(),
        Kind::Pattern(pattern) => pattern_flow(pattern),
        Kind::Client(_) | Kind::Download(_) => {
            let error = PutError::Case("a case for clients".to_owned());
            return Judgement::infra(name, case, &error);
        }
    };
    let speaker = match Speaker::new(&testee.url) {
        Ok(speaker) => speaker,
        Err(error) => return Judgement::infra(name, case, &error),
    };
    let mut exchange = Exchange {
        testee,
        variables: testee.variables.clone(),
        speaker,
        conversation: String::new(),
    };
    let controlled = exchange.begin(&flow).await;
    let advances = flow.steps.iter().any(|step| step.advance > 0);
    if !controlled && (advances || flow.world.is_some()) {
        return Judgement::unimplemented(name, case, "PUT /sandbox/world and POST /sandbox/clock");
    }
    match exchange.go(&flow).await {
        Ok(faults) => {
            let shown = testee.variables.without_secrets(&exchange.conversation);
            Judgement::of(name, case, faults, shown)
        }
        Err(error) => Judgement::infra(name, case, &error),
    }
}

/// What a server owes to a text inside a pattern, or outside of it.
fn pattern_flow(case: &PatternCase) -> Flow {
    let mut asked = ServerRequest::default();
    let name = case.field.clone();
    let operation = match case.field.as_str() {
        "groupId" => "getGroup",
        "clusterName" => "getGroupCluster",
        "snapshotId" => "getGroupFlexClusterBackupSnapshot",
        _ => DOCUMENTED,
    };
    asked.operation = Some(operation.to_owned());
    if name == "targetDeploymentItemName" {
        asked.json = Some(serde_json::json!({
            "snapshotId": "${tenant.snapshot}",
            "targetDeploymentItemName": case.text,
        }));
    } else {
        asked.parameters.insert(name, case.text.clone());
    }
    let mut expect = Predicates::default();
    if case.accepted {
        // What is inside the pattern need not be there.
        expect.status = vec![200, 404];
    } else {
        expect.status = vec![400, 404, 405];
        expect.error = Some("?".to_owned());
        if operation == DOCUMENTED {
            expect.status = vec![400];
        }
        let not_there = ["CLUSTER_NOT_FOUND", "GROUP_NOT_FOUND"];
        expect.body_without = not_there.map(str::to_owned).to_vec();
    }
    Flow {
        world: None,
        steps: vec![Step::of(asked, expect)],
    }
}

struct Exchange<'a> {
    testee: &'a ServerTestee,
    variables: Variables,
    speaker: Speaker,
    conversation: String,
}

impl Exchange<'_> {
    /// Begins a new world, where the server lets us.
    async fn begin(&mut self, flow: &Flow) -> bool {
        let seed = flow.world.as_ref().map_or(String::new(), |world| {
            self.variables.fill_json(world).to_string()
        });
        let url = format!("{}/sandbox/world", self.testee.url);
        self.control("PUT", &url, seed).await
    }

    /// Uses one of the controls that the sandbox has.
    async fn control(&mut self, method: &str, url: &str, body: String) -> bool {
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header("content-type", "application/json");
        let token = self.testee.variables.get("control.token");
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Bytes::from(body));
        let Ok(request) = request else { return false };
        let answer = self.speaker.send(request).await;
        answer.is_ok_and(|answer| answer.status() == 204)
    }

    async fn go(&mut self, flow: &Flow) -> Result<Vec<String>, PutError> {
        let mut found = Vec::new();
        for (index, step) in flow.steps.iter().enumerate() {
            if step.advance > 0 {
                let url = format!("{}/sandbox/clock", self.testee.url);
                let body = format!("{{\"advanceSeconds\":{}}}", step.advance);
                if !self.control("POST", &url, body).await {
                    return Err(PutError::Case("the clock cannot be moved".to_owned()));
                }
                let _ = writeln!(self.conversation, "({} s pass)\n", step.advance);
            }
            let Some(asked) = &step.request else { continue };
            let query = asked.query.as_deref().unwrap_or_default();
            let about = Asked {
                operation: asked.operation.as_deref(),
                envelope: query.contains("envelope=true"),
            };
            let expect = self.filled(&step.expect);
            let mut answer = Response::default();
            for turn in 1..=step.repeat {
                answer = self.answer(asked).await?;
                let reached = step.until == Some(answer.status().as_u16());
                if step.until.is_some() && !reached && turn < step.repeat {
                    continue;
                }
                let of_step = faults(&expect, &about, &answer);
                let place = format!("step {}", index + 1);
                found.extend(of_step.iter().map(|fault| format!("{place}: {fault}")));
                if reached || !of_step.is_empty() {
                    break;
                }
            }
            let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
            for (name, pointer) in &step.save {
                match saved(&answer, &body, pointer) {
                    Some(text) => self.variables.set(name, &text),
                    None => found.push(format!("step {}: no {pointer} to keep", index + 1)),
                }
            }
        }
        Ok(found)
    }

    async fn answer(&mut self, asked: &ServerRequest) -> Result<Response<Bytes>, PutError> {
        let answer = if let Some(raw) = &asked.raw {
            let raw = self.variables.fill(raw);
            let _ = writeln!(self.conversation, "> {}\n", raw.escape_debug());
            self.speaker.send_raw(&latin1(&raw)).await?
        } else {
            let request =
                request(asked, &self.variables, &self.testee.url).map_err(PutError::Case)?;
            let request = self.authenticated(asked, request).await?;
            self.note_request(&request);
            self.speaker.send(request).await?
        };
        self.note_answer(&answer);
        Ok(answer)
    }

    /// A request with its `Authorization`, fetched or computed first where that is needed.
    async fn authenticated(
        &mut self,
        asked: &ServerRequest,
        mut request: Request<Bytes>,
    ) -> Result<Request<Bytes>, PutError> {
        let login = asked.login.as_deref().unwrap_or("owner");
        if login == "nobody" || request.headers().contains_key("authorization") {
            return Ok(request);
        }
        let url = &self.testee.url;
        let credential = |name: &str| self.variables.get(&format!("{login}.{name}")).to_owned();
        let value = match asked.auth.as_deref().unwrap_or("bearer") {
            "digest" => {
                let (user, password) = (credential("public"), credential("private"));
                self.speaker.digest(&request, &user, &password).await?
            }
            "oauth" => {
                let (id, secret) = (credential("id"), credential("secret"));
                self.speaker.token(url, &id, &secret).await?
            }
            _ => format!("Bearer {}", credential("token")),
        };
        let value = value
            .parse()
            .map_err(|_| PutError::Case(format!("{login} has no login that can be sent")))?;
        if let Ok(text) = http::HeaderValue::to_str(&value) {
            self.variables.set("last.authorization", text);
        }
        request.headers_mut().insert("authorization", value);
        Ok(request)
    }

    /// Predicates with every variable in its place.
    fn filled(&self, expect: &Predicates) -> Predicates {
        let mut expect = expect.clone();
        for value in expect.headers.values_mut() {
            *value = self.variables.fill_json(value);
        }
        for text in &mut expect.body_without {
            *text = self.variables.fill(text);
        }
        for predicate in expect.json.values_mut() {
            use crate::case::Predicate::{Equals, Not};
            if let Equals(value) | Not(value) = predicate {
                *value = self.variables.fill_json(value);
            }
        }
        expect
    }

    fn note_request(&mut self, request: &Request<Bytes>) {
        let _ = writeln!(
            self.conversation,
            "> {} {}",
            request.method(),
            request.uri()
        );
        for (name, value) in request.headers() {
            let _ = writeln!(self.conversation, "> {name}: {value:?}");
        }
        let body = request.body();
        let _ = writeln!(self.conversation, ">\n> {}\n", shown(body));
    }

    fn note_answer(&mut self, answer: &Response<Bytes>) {
        let _ = writeln!(self.conversation, "< {}", answer.status());
        for (name, value) in answer.headers() {
            let _ = writeln!(self.conversation, "< {name}: {value:?}");
        }
        let _ = writeln!(self.conversation, "<\n< {}\n", shown(answer.body()));
    }
}

/// What is kept of an answer: `header:NAME`, or a pointer into the body.
fn saved(answer: &Response<Bytes>, body: &Value, pointer: &str) -> Option<String> {
    if let Some(name) = pointer.strip_prefix("header:") {
        let value = answer.headers().get(name)?;
        return Some(value.to_str().ok()?.to_owned());
    }
    match body.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn shown(body: &[u8]) -> String {
    const LIMIT: usize = 4000;
    let shown = String::from_utf8_lossy(&body[..body.len().min(LIMIT)]).into_owned();
    if body.len() > LIMIT {
        format!("{shown}… ({} bytes)", body.len())
    } else {
        shown
    }
}
