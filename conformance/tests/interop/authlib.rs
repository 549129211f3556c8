//! Tests of the client with an authorization server made with Authlib, which accepts client credentials
//! only with HTTP Basic or only in the form.

use std::path::{Path, PathBuf};
use std::process::Command;

use atlas_transport::{ClientAuthentication, Credentials, ErrorKind};

use super::program::{Program, is_installed, runs};
use super::{RESOURCE, client, get, status};

const CLIENT_ID: &str = "mdb_sa_id_32b6e34b3d91647abb20e7b8";
const CLIENT_SECRET: &str = "mdb_sa_sk_authlib/+:%41secret";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

/// Finds a Python with Authlib: in `target/peers`, or the system's.
fn python() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let own = target.map(|target| target.join("peers/bin/python3"));
    let mut candidates = own.into_iter().chain([PathBuf::from("python3")]);
    candidates.find(|python| runs(Command::new(python).args(["-c", "import authlib, flask"])))
}

fn authlib() -> Option<Program> {
    authlib_with("client_secret_basic")
}

fn authlib_with(method: &str) -> Option<Program> {
    let python = python();
    let install = "python3 -m venv target/peers && target/peers/bin/pip install -r \
                   conformance/peers/requirements.txt";
    if !is_installed(python.is_some(), "Authlib", install) {
        return None;
    }
    let mut command = Command::new(python.unwrap());
    command.arg(folder().join("authorization_server.py"));
    command.arg(method);
    Some(Program::start_printing_port(&mut command))
}

fn account() -> Credentials {
    Credentials::service_account(CLIENT_ID, CLIENT_SECRET)
}

/// Returns the number of token requests.
async fn tokens(client: &atlas_transport::Client) -> u64 {
    let response = get(client, RESOURCE).await.unwrap();
    assert_eq!(response.status(), 200);
    let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    body["totalCount"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_token_serves_concurrent_calls() {
    let Some(server) = authlib() else { return };
    let client = client(&server.url, &account());
    let calls = (0..32).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { status(&client).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap(), 200);
    }
    assert_eq!(tokens(&client).await, 1);
}

#[tokio::test]
async fn a_token_that_the_server_forgot_is_replaced() {
    let Some(server) = authlib() else { return };
    let client = client(&server.url, &account());
    assert_eq!(tokens(&client).await, 1);
    let forget = http::Request::post("/forget").body(bytes::Bytes::new());
    client.execute(forget.unwrap()).await.unwrap();
    assert_eq!(tokens(&client).await, 2);
}

#[tokio::test]
async fn a_token_can_be_revoked_and_the_next_call_fetches_another() {
    let Some(server) = authlib() else { return };
    let client = client(&server.url, &account());
    assert_eq!(tokens(&client).await, 1);
    client.revoke_token().await.unwrap();
    assert_eq!(tokens(&client).await, 2);
}

#[tokio::test]
async fn a_server_that_requires_the_form_accepts_id_and_secret_only_there() {
    let Some(server) = authlib_with("client_secret_post") else {
        return;
    };
    let form = account().client_authentication(ClientAuthentication::Form);
    let form = client(&server.url, &form);
    assert_eq!(tokens(&form).await, 1);
    form.revoke_token().await.unwrap();
    assert_eq!(tokens(&form).await, 2);
    let error = get(&client(&server.url, &account()), RESOURCE).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("invalid_client"), "{error}");
}

#[tokio::test]
async fn a_wrong_secret_is_an_invalid_client() {
    let Some(server) = authlib() else { return };
    let wrong = Credentials::service_account(CLIENT_ID, "wr0ng");
    let error = get(&client(&server.url, &wrong), RESOURCE)
        .await
        .unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NoToken(_)), "{error:?}");
    assert!(error.to_string().contains("invalid_client"), "{error}");
    assert!(!format!("{error:?}").contains("wr0ng"));
}
