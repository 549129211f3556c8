//! The server's side: the documented request against the sandbox.

use atlas_catalog::Operation;
use atlas_conformance::{Auth, DocumentedResponse, Form, OperationFixture};
use atlas_model::ApiError;
use atlas_sandbox::{OWNER, Sandbox};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_auth::digest::DigestClient;
use http_auth::{PasswordParams, parse_challenges};
use jiff::Timestamp;
use serde_json::Value;

use crate::same;

/// Sends the documented request and compares the answer with the documented one: an error exactly,
/// the resource by its keys and patterns.
pub(crate) fn replay(
    fixture: &OperationFixture,
    response: &DocumentedResponse,
    auth: Auth,
    form: Form,
) -> Result<(), String> {
    let now = "2026-01-02T03:04:05Z".parse().unwrap();
    let mut sandbox = Sandbox::new();
    let authorization = authorize(&mut sandbox, now, fixture, auth, form);
    if response.status != 200 {
        let error: ApiError = serde_json::from_value(response.body.clone()).unwrap();
        sandbox.answer_next_with(error);
    }
    let answer = sandbox.handle(now, request(fixture, form, Some(&authorization)));

    same("status", answer.status().as_u16(), response.status)?;
    let media_type = answer.headers()["content-type"].to_str().unwrap();
    let expected = fixture.media_type(response.status);
    same("media type", media_type, &expected)?;
    same("indented", answer.body().contains(&b'\n'), form.pretty)?;
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    let content = if form.envelope {
        same(
            "status inside",
            body["status"].as_u64(),
            Some(response.status.into()),
        )?;
        &body["content"]
    } else {
        &body
    };
    if response.status == 200 {
        let keys = |value: &Value| -> Vec<String> {
            value
                .as_object()
                .into_iter()
                .flat_map(|object| object.keys().cloned())
                .collect()
        };
        same("keys", keys(content), keys(&response.body))?;
        let operation = Operation::find(&fixture.id).unwrap();
        let version = operation.version(Some(&fixture.version_answered)).unwrap();
        let violations = operation.check_response(version, response.status, content);
        same("violations", violations, vec![])
    } else {
        same("error", content, &response.body)
    }
}

fn request(fixture: &OperationFixture, form: Form, authorization: Option<&str>) -> Request<Bytes> {
    let mut request = Request::builder().method(&*fixture.method).uri(format!(
        "{}{}",
        fixture.target(),
        form.query()
    ));
    for (name, value) in &fixture.request_headers {
        request = request.header(name, value);
    }
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    request.body(fixture.wire_body.clone().into()).unwrap()
}

/// What an independent client would put into `Authorization`.
fn authorize(
    sandbox: &mut Sandbox,
    now: Timestamp,
    fixture: &OperationFixture,
    auth: Auth,
    form: Form,
) -> String {
    match auth {
        Auth::Bearer => format!("Bearer {}", OWNER.access_token),
        Auth::Digest => {
            let refused: Response<Bytes> = sandbox.handle(now, request(fixture, form, None));
            let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
            let challenges = parse_challenges(challenge).unwrap();
            let mut client = DigestClient::try_from(&challenges[0]).unwrap();
            client
                .respond(&PasswordParams {
                    username: OWNER.public_key,
                    password: OWNER.private_key,
                    uri: &format!("{}{}", fixture.target(), form.query()),
                    method: &fixture.method,
                    body: None,
                })
                .unwrap()
        }
        Auth::OAuth => {
            let pair = STANDARD.encode(format!("{}:{}", OWNER.client_id, OWNER.client_secret));
            let request = Request::post("/api/oauth/token")
                .header("authorization", format!("Basic {pair}"))
                .header("content-type", "application/x-www-form-urlencoded")
                .body("grant_type=client_credentials".into())
                .unwrap();
            let answer = sandbox.handle(now, request);
            let answer: Value = serde_json::from_slice(answer.body()).unwrap();
            format!("Bearer {}", answer["access_token"].as_str().unwrap())
        }
    }
}
