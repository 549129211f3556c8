//! The client's side: the real client against a server that answers as documented.

use atlas_conformance::{Auth, DocumentedResponse, Form, OperationFixture};
use atlas_model::shared::TenantRestore;
use atlas_model::shared_tier_snapshots::DownloadClusterBackupTenant;
use atlas_model::{ApiError, CallOptions, envelope};
use atlas_transport::{Client, Credentials};
use http::StatusCode;
use wiremock::matchers::{any, header_exists, header_regex, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::same;

const CHALLENGE: &str = "Digest realm=\"MMS Public API\", domain=\"\", \
    nonce=\"Nfx+VMFO0sY4tpgy1sHRakvvv0NN4S91\", algorithm=MD5, qop=\"auth\", stale=false";

/// Sends the documented request and compares the request on the wire and the answer read.
pub(crate) fn replay(
    fixture: &OperationFixture,
    response: &DocumentedResponse,
    auth: Auth,
    form: Form,
) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(exchange(fixture, response, auth, form))
}

async fn exchange(
    fixture: &OperationFixture,
    response: &DocumentedResponse,
    auth: Auth,
    form: Form,
) -> Result<(), String> {
    let server = serve(fixture, response, auth, form).await;
    let credentials = match auth {
        Auth::Bearer => Credentials::bearer("t0ken"),
        Auth::Digest => Credentials::api_key("public", "private"),
        Auth::OAuth => Credentials::service_account("mdb_sa_id_0", "mdb_sa_sk_0"),
    };
    let client = Client::new(server.uri().parse().unwrap(), &credentials).unwrap();
    let options = CallOptions {
        version: Some(fixture.version_asked.parse().unwrap()),
        ..form.options()
    };
    let outcome = client.send_with(&operation(fixture), &options).await;

    match (outcome, response.status) {
        (Ok(answer), 200) => {
            let expected: TenantRestore = serde_json::from_value(response.body.clone()).unwrap();
            same("resource", &answer.value, &expected)?;
            same("deviations", answer.deviations, vec![])?;
            let version = answer.meta.version.map(|version| version.to_string());
            same(
                "version",
                version.as_deref(),
                Some(&*fixture.version_answered),
            )?;
        }
        (Err(error), status) if status != 200 => {
            let expected: ApiError = serde_json::from_value(response.body.clone()).unwrap();
            same("error", error.api_error(), Some(&expected))?;
            same(
                "status",
                error.status().map(|status| status.as_u16()),
                Some(status),
            )?;
        }
        (outcome, status) => return Err(format!("{status} was read as {outcome:?}")),
    }

    let seen = server.received_requests().await.unwrap();
    // A refused token is fetched again and tried once more.
    let (authentication, calls) = match (auth, response.status, form.envelope) {
        (Auth::Bearer, ..) => (0, 1),
        (Auth::OAuth, 401, false) => (2, 2),
        (Auth::Digest | Auth::OAuth, ..) => (1, 1),
    };
    same("requests", seen.len(), authentication + calls)?;
    if auth == Auth::OAuth {
        token_request(&seen[0])?;
    }
    for request in seen.iter().filter(|request| request.url.path() != TOKEN) {
        on_the_wire(request, fixture, form)?;
    }
    let last = seen
        .last()
        .and_then(|request| request.headers.get("authorization"));
    let last = last
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    match auth {
        Auth::Bearer => same("authorization", last, "Bearer t0ken"),
        Auth::OAuth => same("authorization", last, "Bearer fetched"),
        Auth::Digest => {
            let uri = format!("uri=\"{}{}\"", fixture.target(), form.query());
            same("digest uri", last.contains(&uri), true)?;
            same("first nc", last.contains("nc=00000001"), true)?;
            same(
                "probe",
                seen[0].headers.contains_key("authorization"),
                false,
            )
        }
    }
}

/// What the page fixes about the request, byte for byte.
fn on_the_wire(request: &Request, fixture: &OperationFixture, form: Form) -> Result<(), String> {
    same("method", request.method.as_str(), &fixture.method)?;
    let query = request.url.query().map(|query| format!("?{query}"));
    let target = format!("{}{}", request.url.path(), query.unwrap_or_default());
    same(
        "target",
        target,
        format!("{}{}", fixture.target(), form.query()),
    )?;
    for (name, value) in &fixture.request_headers {
        let all: Vec<&[u8]> = request
            .headers
            .get_all(name.as_str())
            .iter()
            .map(http::HeaderValue::as_bytes)
            .collect();
        same(name, all, vec![value.as_bytes()])?;
    }
    let body = String::from_utf8_lossy(&request.body);
    same("body", &*body, &fixture.wire_body)
}

const TOKEN: &str = "/api/oauth/token";

fn token_request(request: &Request) -> Result<(), String> {
    same("token path", request.url.path(), TOKEN)?;
    let header = |name: &str| {
        request
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    same(
        "token authorization",
        header("authorization"),
        Some("Basic bWRiX3NhX2lkXzA6bWRiX3NhX3NrXzA="),
    )?;
    same(
        "token type",
        header("content-type"),
        Some("application/x-www-form-urlencoded"),
    )?;
    same(
        "token form",
        &request.body[..],
        b"grant_type=client_credentials",
    )
}

/// The documented call as a value.
fn operation(fixture: &OperationFixture) -> DownloadClusterBackupTenant {
    let project = fixture.example("groupId").unwrap().parse().unwrap();
    let cluster = fixture.example("clusterName").unwrap().parse().unwrap();
    let body = serde_json::from_value(fixture.request.clone()).unwrap();
    DownloadClusterBackupTenant::new(project, cluster, body)
}

async fn serve(
    fixture: &OperationFixture,
    response: &DocumentedResponse,
    auth: Auth,
    form: Form,
) -> MockServer {
    let server = MockServer::start().await;
    let answer = answer(fixture, response, form);
    match auth {
        Auth::Bearer => {
            Mock::given(header_exists("authorization"))
                .respond_with(answer)
                .mount(&server)
                .await;
        }
        Auth::Digest => {
            Mock::given(header_regex("authorization", "^Digest "))
                .respond_with(answer)
                .with_priority(1)
                .mount(&server)
                .await;
            let challenge = ResponseTemplate::new(401).insert_header("www-authenticate", CHALLENGE);
            Mock::given(any())
                .respond_with(challenge)
                .mount(&server)
                .await;
        }
        Auth::OAuth => {
            let token = serde_json::json!({
                "access_token": "fetched", "expires_in": 3600, "token_type": "Bearer",
            });
            Mock::given(path(TOKEN))
                .respond_with(ResponseTemplate::new(200).set_body_json(token))
                .with_priority(1)
                .mount(&server)
                .await;
            Mock::given(header_regex("authorization", "^Bearer fetched$"))
                .respond_with(answer)
                .mount(&server)
                .await;
        }
    }
    server
}

/// The documented answer in the form asked for. Inside an envelope an error goes out under a
/// status line of 200: the status inside is the one that counts.
fn answer(
    fixture: &OperationFixture,
    response: &DocumentedResponse,
    form: Form,
) -> ResponseTemplate {
    let status = StatusCode::from_u16(response.status).unwrap();
    let mut body = if form.pretty {
        serde_json::to_vec_pretty(&response.body).unwrap()
    } else {
        serde_json::to_vec(&response.body).unwrap()
    };
    let mut line = status.as_u16();
    if form.envelope {
        body = envelope::wrap(status, false, form.pretty, &body);
        line = 200;
    }
    let media_type = fixture.media_type(response.status);
    ResponseTemplate::new(line).set_body_raw(body, &media_type)
}
