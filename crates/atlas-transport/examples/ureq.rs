//! Digest and OAuth for another HTTP client, here ureq: the sessions of `atlas_transport::auth`
//! return what to send and need no runtime.
//!
//! `cargo run -p atlas-transport --example ureq`, with an API key or a service account in the
//! environment. It uses plain `http`, for a local sandbox; enable the feature `rustls` of ureq for
//! `https`.

use std::error::Error;
use std::time::Instant;

use atlas_transport::auth::{
    ClientAuthentication, DigestSession, DigestStep, Token, TokenSession, TokenStep, Verdict,
};
use atlas_transport::http::{HeaderMap, HeaderValue, Request, StatusCode};
use atlas_transport::secrecy::SecretString;
use atlas_transport::{BaseUrl, Credentials};
use ureq::Agent;

const TARGET: &str = "/api/atlas/v2/groups";

fn main() -> Result<(), Box<dyn Error>> {
    let account = Credentials::from_env()?;
    // A 401 is a challenge, not an error.
    let config = Agent::config_builder().http_status_as_error(false);
    let server = Server {
        agent: config.build().into(),
        base: account.base_url,
    };
    let (status, body) = match account.credentials {
        Credentials::ApiKey {
            public_key,
            private_key,
        } => by_digest(&server, &public_key, private_key)?,
        Credentials::ServiceAccount {
            client_id,
            client_secret,
            ..
        } => by_token(&server, &client_id, &client_secret)?,
        _ => return Err("expected an API key or a service account".into()),
    };
    println!("{} {body}", status.as_u16());
    Ok(())
}

fn by_digest(
    server: &Server,
    public_key: &str,
    private_key: SecretString,
) -> Result<(StatusCode, String), Box<dyn Error>> {
    let mut session = DigestSession::new(public_key, private_key);
    let mut attempt = 1;
    loop {
        let step = session.prepare("GET", TARGET)?;
        let DigestStep::Send {
            authorization,
            ticket,
            ..
        } = step
        else {
            return Err("unexpected step: no other request is in flight".into());
        };
        let (status, headers, body) = match server.get(authorization.as_ref()) {
            Ok(response) => response,
            Err(error) => {
                session.abandon(ticket);
                return Err(error);
            }
        };
        match session.observe(ticket, attempt, status, &headers) {
            Verdict::Retry => attempt += 1,
            Verdict::Unanswerable(problem) => return Err(problem.into()),
            _ => return Ok((status, body)),
        }
    }
}

fn by_token(
    server: &Server,
    client_id: &str,
    client_secret: &SecretString,
) -> Result<(StatusCode, String), Box<dyn Error>> {
    let mut session = TokenSession::new(ClientAuthentication::Basic, client_id, client_secret)?;
    let mut attempt = 1;
    loop {
        match session.prepare(Instant::now()) {
            TokenStep::Fetch => {
                let fetched = fetch(server, &session);
                match fetched {
                    Ok(token) => session.fetched(&token, Instant::now())?,
                    Err(error) => {
                        session.failed(Instant::now());
                        return Err(error);
                    }
                }
            }
            TokenStep::Send {
                authorization,
                ticket,
                ..
            }
            | TokenStep::SendAndFetch {
                authorization,
                ticket,
                ..
            } => {
                let (status, _, body) = server.get(Some(&authorization))?;
                match session.observe(ticket, attempt, status) {
                    Verdict::Retry => attempt += 1,
                    _ => return Ok((status, body)),
                }
            }
            _ => return Err("unexpected step: no other request is in flight".into()),
        }
    }
}

fn fetch(server: &Server, session: &TokenSession) -> Result<Token, Box<dyn Error>> {
    let (status, _, body) = server.send(session.token_request())?;
    Ok(Token::read(status, body.as_bytes(), None)?)
}

struct Server {
    agent: Agent,
    base: BaseUrl,
}

type Response = (StatusCode, HeaderMap, String);

impl Server {
    fn get(&self, authorization: Option<&HeaderValue>) -> Result<Response, Box<dyn Error>> {
        let mut request = Request::get(TARGET)
            .header("accept", "application/vnd.atlas.2023-01-01+json")
            .body(Vec::<u8>::new())?;
        if let Some(authorization) = authorization {
            let headers = request.headers_mut();
            headers.insert("authorization", authorization.clone());
        }
        self.send(request)
    }

    /// Sends a request whose target is in origin form.
    fn send<B: AsRef<[u8]>>(&self, request: Request<B>) -> Result<Response, Box<dyn Error>> {
        let (mut parts, body) = request.into_parts();
        parts.uri = format!("{}{}", self.base, parts.uri).parse()?;
        let request = Request::from_parts(parts, body.as_ref().to_vec());
        let mut response = self.agent.run(request)?;
        let body = response.body_mut().read_to_string()?;
        Ok((response.status(), response.headers().clone(), body))
    }
}
