//! Runs a case against a server.

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use crate::case::{Case, Flow, Kind, ServerRequest, Step};
use crate::course::Course;
use crate::difference::Difference;
use crate::message::find;
use crate::pattern_flow::pattern_flow;
use crate::predicate::{Asked, differences};
use crate::raw_client::{RawClient, RawError};
use crate::read_back;
use crate::scripted::lock;
use crate::secrets::Masks;
use crate::server_testee::{Control, ServerTestee};
use crate::target::{json_of, request};
use crate::transcript::{Transcript, shown};
use crate::variables::Variables;
use crate::verdict::{Judgement, Verdict};
use crate::wire::latin1;

/// An error that prevents a case from being judged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Raw(#[from] RawError),
    #[error("invalid case: {0}")]
    Case(String),
    /// The server does not implement the operation (RFC 9110 section 15.6.2), or no longer.
    #[error("the server responded with {status}: {body}")]
    NotImplemented { status: u16, body: String },
    #[error("the server's world has no {0}")]
    Lacks(String),
}

impl RunError {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Raw(RawError::Silent(_)) => Verdict::Silent,
            Self::Raw(RawError::Broken(_)) => Verdict::Crashed,
            Self::NotImplemented { .. } | Self::Lacks(_) | Self::Raw(RawError::NoLogin(_)) => {
                Verdict::Unimplemented
            }
            Self::Raw(_) | Self::Case(_) => Verdict::Error,
        }
    }
}

/// Runs a case against a server and judges it.
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
            let error = RunError::Case("a client case cannot be run against a server".to_owned());
            return Judgement::ended(name, case, Verdict::Error, &error);
        }
    };
    let client = match RawClient::new(&testee.url, testee.patience) {
        Ok(client) => client,
        Err(error) => return Judgement::ended(name, case, Verdict::Error, &error),
    };
    let mut exchange = Exchange {
        testee,
        variables: testee.variables.clone(),
        client,
        sent: Vec::new(),
        conversation: Transcript::default(),
    };
    let controlled = match exchange.begin(&flow).await {
        Ok(controlled) => controlled,
        Err(error) => {
            let error = RunError::from(error);
            return Judgement::ended(name, case, error.verdict(), &error);
        }
    };
    if !controlled {
        let hint = testee.known_control().and_then(Control::hint);
        let advances = flow.steps.iter().any(|it| it.advance > 0 || it.every > 0);
        if advances || flow.world.is_some() {
            let none = "the server has no PUT /sandbox/world and POST /sandbox/clock";
            let reason = hint.unwrap_or(none);
            return Judgement::unimplemented(name, case, reason);
        }
        if !testee.allows_writes && flow.steps.iter().any(writes) {
            let none = "the case writes, and the server's world cannot be reset; \
                pass --allow-writes to run it";
            let reason = hint.unwrap_or(none);
            return Judgement::unimplemented(name, case, reason);
        }
    }
    let found = exchange.go(&flow).await;
    let mut judgement = match found {
        Ok(found) => Judgement::of(name, case, found, exchange.conversation.into_text()),
        Err(error) => {
            let mut judgement = Judgement::ended(name, case, error.verdict(), &error);
            judgement.conversation = exchange.conversation.into_text();
            judgement
        }
    };
    let mut secrets = testee.variables.secrets();
    secrets.extend(lock(&testee.tokens).values().cloned());
    judgement.mask(&Masks::new(&secrets));
    judgement
}

/// Whether a response states that the operation is not implemented: 501, or 410 for an operation
/// with a sunset date.
fn is_not_implemented(asked: &ServerRequest, answer: &Response<Bytes>) -> bool {
    let operation = asked.operation.as_deref().and_then(|id| find(id).ok());
    let ends = operation.is_some_and(|operation| operation.sunset().is_some());
    answer.status() == 501 || (answer.status() == 410 && ends)
}

/// Whether a step may change the server's world.
fn writes(step: &Step) -> bool {
    let Some(request) = &step.request else {
        return false;
    };
    let of_operation = || {
        Some(
            find(request.operation.as_deref()?)
                .ok()?
                .method()
                .to_string(),
        )
    };
    let method = request.method.clone().or_else(of_operation);
    let of_raw = || Some(request.raw.as_ref()?.split(' ').next()?.to_owned());
    let method = method.or_else(of_raw);
    let reads = method.is_none_or(|method| matches!(&*method, "GET" | "HEAD" | "OPTIONS"));
    let of_tokens = |target: &String| target.starts_with("/api/oauth/token");
    !reads && !request.target.as_ref().is_some_and(of_tokens)
}

struct Exchange<'a> {
    testee: &'a ServerTestee,
    variables: Variables,
    client: RawClient,
    /// The operation and the body of each step.
    sent: Vec<(String, Value)>,
    conversation: Transcript,
}

impl Exchange<'_> {
    /// Resets the world if the server has the sandbox's control requests. Other servers are probed
    /// for them once.
    async fn begin(&mut self, flow: &Flow) -> Result<bool, RawError> {
        if self.testee.control(&self.client).await? != Control::Granted {
            return Ok(false);
        }
        let seed = flow.world.as_ref().map_or(String::new(), |world| {
            self.variables.fill_json(world).to_string()
        });
        let answer = self.control("PUT", "/sandbox/world", seed).await?;
        Ok(answer.status() == 204)
    }

    /// Sends a control request of the sandbox.
    async fn control(
        &self,
        method: &str,
        path: &str,
        body: String,
    ) -> Result<Response<Bytes>, RawError> {
        self.testee
            .send_control(&self.client, method, path, body)
            .await
    }

    async fn go(&mut self, flow: &Flow) -> Result<Vec<Difference>, RunError> {
        let mut found = Vec::new();
        for (index, step) in flow.steps.iter().enumerate() {
            self.advance(step.advance).await?;
            let asked = step.request.as_ref();
            let operation = asked.and_then(|asked| asked.operation.clone());
            let body = asked.and_then(|asked| json_of(asked, &self.variables));
            self.sent
                .push((operation.unwrap_or_default(), body.unwrap_or_default()));
            let Some(asked) = asked else { continue };
            let (answer, of_step) = match self.step(step, asked).await {
                Err(error) if !found.is_empty() => {
                    let place = format!("step {}", index + 1);
                    found.push(Difference::new(place, "a response", error));
                    return Ok(found);
                }
                answer => answer?,
            };
            if is_not_implemented(asked, &answer) && !of_step.is_empty() && found.is_empty() {
                let (status, body) = (answer.status().as_u16(), shown(answer.body()));
                return Err(RunError::NotImplemented { status, body });
            }
            // Preconditions of a case are not requirements.
            if let (Some(need), true, false) =
                (&step.need, step.save.is_empty(), of_step.is_empty())
            {
                return Err(RunError::Lacks(bare(need)));
            }
            let place = format!("step {}", index + 1);
            let several = flow.steps.len() > 1;
            let placed = |it: Difference| if several { it.within(&place) } else { it };
            found.extend(of_step.into_iter().map(placed));
            let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
            for (name, pointer) in &step.save {
                match (saved(&answer, &body, pointer), &step.need) {
                    (Some(text), _) => self.variables.set(name, &text),
                    (None, Some(need)) if found.is_empty() => {
                        return Err(RunError::Lacks(bare(need)));
                    }
                    (None, _) => {
                        found.push(placed(Difference::new(pointer, "a value", "nothing")));
                        return Ok(found);
                    }
                }
            }
        }
        Ok(found)
    }

    /// Advances the clock of the server.
    async fn advance(&mut self, seconds: u32) -> Result<(), RunError> {
        if seconds > 0 {
            let body = format!("{{\"advanceSeconds\":{seconds}}}");
            if self.control("POST", "/sandbox/clock", body).await?.status() != 204 {
                return Err(RunError::Case(
                    "the server's clock cannot be moved".to_owned(),
                ));
            }
            self.conversation.time(seconds);
        }
        Ok(())
    }

    /// Sends the request of a step as often as required and compares the last response.
    async fn step(
        &mut self,
        step: &Step,
        asked: &ServerRequest,
    ) -> Result<(Response<Bytes>, Vec<Difference>), RunError> {
        let query = asked.query.as_deref().unwrap_or_default();
        let about = Asked {
            operation: asked.operation.as_deref(),
            envelope: query.contains("envelope=true"),
        };
        let expect = self.variables.fill_predicates(&step.expect);
        let mut turn = 1;
        let mut course = step.through.as_ref().map(Course::of);
        loop {
            if turn > 1 {
                self.advance(step.every).await?;
            }
            self.variables.set("turn", &turn.to_string());
            let answer = match self.answer(asked).await {
                // A server may close the connection on an invalid request (RFC 9112 section 9.6).
                Err(RunError::Raw(RawError::Broken(_))) if asked.raw.is_some() => {
                    let closed = Difference::new("response", "a response", "a closed connection");
                    return Ok((Response::default(), vec![closed]));
                }
                answer => answer?,
            };
            let waits_for = step.until.is_some() || course.is_some();
            let reached = match &mut course {
                Some(course) => course.see(&answer),
                None => step.until == Some(answer.status().as_u16()),
            };
            if !waits_for || reached || turn >= step.repeat {
                let mut found = differences(&expect, &about, &answer);
                found.extend(course.as_ref().and_then(Course::difference));
                let read_back = expect
                    .reads_back
                    .and_then(|step| self.sent.get(step.checked_sub(1)?));
                if let (Some((written_by, written)), true) = (read_back, found.is_empty()) {
                    let read_by = about.operation.unwrap_or_default();
                    let lost = read_back::differences(written_by, written, read_by, &answer);
                    found.extend(lost);
                }
                if reached || !found.is_empty() || turn >= step.repeat {
                    return Ok((answer, found));
                }
            }
            turn += 1;
        }
    }

    async fn answer(&mut self, asked: &ServerRequest) -> Result<Response<Bytes>, RunError> {
        let answer = if let Some(raw) = &asked.raw {
            let raw = self.variables.fill(raw);
            self.conversation.raw(&raw);
            self.client.send_raw(&latin1(&raw)).await?
        } else {
            let request =
                request(asked, &self.variables, &self.testee.url).map_err(RunError::Case)?;
            let request = self.authenticated(asked, request).await?;
            self.conversation.request(&request);
            self.client.send(request).await?
        };
        self.conversation.answer(&answer);
        Ok(answer)
    }

    /// Adds the `Authorization` to a request, after a token request or a challenge if necessary.
    async fn authenticated(
        &mut self,
        asked: &ServerRequest,
        mut request: Request<Bytes>,
    ) -> Result<Request<Bytes>, RunError> {
        let login = asked.login.as_deref().unwrap_or("owner");
        let has_one = request.headers().contains_key("authorization");
        // Credentials are sent to the server under test only.
        if login == "nobody" || has_one || !self.client.is_own(&request) {
            return Ok(request);
        }
        let url = &self.testee.url;
        let credential = |name: &str| self.variables.get(&format!("{login}.{name}")).to_owned();
        let value = match asked.auth.as_deref().unwrap_or("bearer") {
            "digest" => {
                let (user, password) = (credential("public"), credential("private"));
                self.client.digest(&request, &user, &password).await?
            }
            "oauth" => {
                let (id, secret) = (credential("id"), credential("secret"));
                let control = self.testee.known_control();
                let keeps = control.is_some_and(|it| it != Control::Granted);
                let known = lock(&self.testee.tokens).get(login).cloned();
                if let Some(known) = known.filter(|_| keeps) {
                    known
                } else {
                    let token = self.client.token(url, &id, &secret).await?;
                    lock(&self.testee.tokens).insert(login.to_owned(), token.clone());
                    token
                }
            }
            _ => format!("Bearer {}", credential("token")),
        };
        let value = value.parse().map_err(|_| {
            RunError::Case(format!(
                "the credentials of {login} are not a valid header value"
            ))
        })?;
        if let Ok(text) = http::HeaderValue::to_str(&value) {
            self.variables.set("last.authorization", text);
        }
        request.headers_mut().insert("authorization", value);
        Ok(request)
    }
}

/// Removes the article of a noun.
fn bare(need: &str) -> String {
    let bare = need.strip_prefix("an ").or(need.strip_prefix("a "));
    bare.unwrap_or(need).to_owned()
}

/// Returns a value of a response by `header:NAME` or a JSON pointer into the body.
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
