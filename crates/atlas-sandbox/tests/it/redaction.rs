//! The journal shows no secrets.

use atlas_sandbox::{PROJECT, SandboxServer};
use serde_json::json;

use crate::journal::{requests, send};
use crate::server::send_raw;

/// A part of each secret.
const SECRET: &str = "S3cret";

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "a table")]
async fn no_secret_is_shown() {
    let users = format!("/api/atlas/v2/groups/{PROJECT}/databaseUsers");
    let integrations = format!("/api/atlas/v2/groups/{PROJECT}/integrations/DATADOG");
    let json_type = "content-type: application/json\r\n";
    let form_type = "content-type: application/x-www-form-urlencoded; charset=UTF-8\r\n";
    for (line, headers, body, shown) in [
        ("GET /x", "authorization: S3cret\r\n", "", "(redacted)"),
        (
            "GET /x",
            "authorization: Basic S3cret\r\n",
            "",
            "Basic (redacted)",
        ),
        (
            "GET /x",
            "AUTHORIZATION: digest a=\"S3cret\"\r\n",
            "",
            "Digest (redacted)",
        ),
        (
            "GET /x",
            "proxy-authorization: Basic S3cret\r\n",
            "",
            "Basic (redacted)",
        ),
        ("GET /x", "cookie: a=S3cret\r\n", "", "(redacted)"),
        (
            "GET /x",
            "x-api-key: S3cret\r\nx-vault-token: S3cret\r\n",
            "",
            "(redacted)",
        ),
        (
            "GET /sandbox-store/x.tgz?signature=S3cret",
            "",
            "",
            "/sandbox-store/x.tgz?(redacted)",
        ),
        (
            "GET /x?a=1&X-Amz-Signature=S3cret&client%5Fsecret=S3cret&b",
            "",
            "",
            "/x?a=1&X-Amz-Signature=(redacted)&client%5Fsecret=(redacted)&b",
        ),
        (
            &format!("POST {users}"),
            json_type,
            r#"{"username": "shown", "password": "S3cret"}"#,
            "shown",
        ),
        (
            "POST /x",
            json_type,
            r#"{"a": [{"privateKey": "S3cret", "client-secret": {"b": "S3cret"}}], "c": "shown"}"#,
            "shown",
        ),
        (
            "POST /x",
            "",
            r#"{"access_token": ["S3cret"], "c": "shown"}"#,
            "shown",
        ),
        (
            &format!("POST {integrations}"),
            json_type,
            r#"{"type": "DATADOG", "apiKey": "S3cret", "region": "shown"}"#,
            "shown",
        ),
        (
            "POST /api/oauth/token",
            form_type,
            "grant_type=client_credentials&client_secret=S3cret&client%5Fsecret=S3cret",
            "client_credentials",
        ),
        (
            "POST /api/oauth/revoke",
            form_type,
            "token=S3cret&x=shown",
            "shown",
        ),
        (
            "POST /x",
            json_type,
            r#"{"password": "S3cret"#,
            "may contain a secret",
        ),
        (
            "POST /x",
            "",
            "client_secret=S3cret",
            "may contain a secret",
        ),
        ("POST /x", json_type, "\"S3cret\"", "(redacted)"),
        (
            "POST /x",
            json_type,
            r#"["S3cret", 1, [["S3cret"], {"a": "shown"}]]"#,
            r#"["(redacted)",1,[["(redacted)"],{"a":"shown"}]]"#,
        ),
        ("POST /x", form_type, r#"["S3cret=S3cret"]"#, "(redacted)"),
        ("POST /x", form_type, "S3cret&a=shown", "shown"),
        (
            "POST /x",
            json_type,
            r#"{"headers": {"Authorization": "S3cret"}, "a": "http://u:S3cret@shown/?sig=S3cret"}"#,
            "http://(redacted)@shown/?sig=(redacted)",
        ),
        (
            "POST /x",
            json_type,
            r#"{"pwd": "S3cret", "pem": "S3cret", "privateKeyPem": "S3cret", "auth": ["S3cret"],
                "authentication": {"mechanism": "shown", "password": "S3cret"}}"#,
            "shown",
        ),
        (
            &format!("PUT /api/atlas/v2/groups/{PROJECT}/integrations/WEBHOOK"),
            json_type,
            r#"{"type": "WEBHOOK", "url": "https://hooks.example/S3cret"}"#,
            "WEBHOOK",
        ),
        (
            "GET /x?a=1;password=S3cret&pw=S3cret&sig=S3cret&auth=S3cret",
            "referer: https://u:S3cret@shown/?access_token=S3cret\r\nx-auth: S3cret\r\n\
             authentication: S3cret\r\ncookie2: S3cret\r\n",
            "",
            "https://(redacted)@shown/?access_token=(redacted)",
        ),
        (
            "GET http://u:S3cret@shown/x",
            "x-forwarded-for: 192.0.2.1\r\n",
            "",
            "192.0.2.1",
        ),
        ("POST /x", "", "plain words", "plain words"),
    ] {
        let server = SandboxServer::start().await.unwrap();
        send(&server, line, headers, body).await;
        let text = requests(&server, "").await.to_string();
        assert!(text.contains(shown), "{line}: {text}");
        assert!(!text.contains("S3cret"), "{line}: {text}");
        let debug = format!("{:?} {server:?}", server.journal().requests());
        assert!(!debug.contains("S3cret"), "{debug}");
    }
}

#[tokio::test]
async fn the_user_in_a_host_is_not_shown() {
    let server = SandboxServer::start().await.unwrap();
    let request = b"GET /x HTTP/1.1\r\nhost: u:S3cret@shown\r\nconnection: close\r\n\r\n";
    send_raw(&server, request).await;
    let text = requests(&server, "").await.to_string();
    assert!(!text.contains("S3cret"), "{text}");
    assert!(text.contains("(redacted)@shown"), "{text}");
}

#[tokio::test]
async fn secrets_by_the_schema_are_not_shown_whatever_their_name() {
    // Deep in a union, under names that are not in the list.
    let path = format!("/api/atlas/v2/groups/{PROJECT}/alertConfigs");
    let body = r#"{"eventTypeName": "shown", "notifications":
        [{"typeName": "WEBHOOK", "webhookHeadersTemplate": "S3cret"}, {"integrationId": "1"}]}"#;
    let server = SandboxServer::start().await.unwrap();
    send(&server, &format!("POST {path}"), "", body).await;
    let text = requests(&server, "").await.to_string();
    assert!(text.contains("shown") && !text.contains("S3cret"), "{text}");
}

#[tokio::test]
async fn users_and_passwords_in_urls_of_a_target_are_not_shown() {
    let server = SandboxServer::start().await.unwrap();
    let users = "https%3A%2F%2Fu%3AS3cret%40h";
    for (sent, shown) in [
        (
            "?x=https://u:S3cret@h/&y=a@b",
            "?x=https://(redacted)@h/&y=a@b",
        ),
        ("?x=https://u:S3cret;S3cret@h", "?x=https://(redacted)@h"),
        (
            &format!("?a&x={users}%2F"),
            "?a&x=https%3A%2F%2F(redacted)%40h%2F",
        ),
        ("?https://S3cret@h", "?https://(redacted)@h"),
        ("?x=https%3A//u:S3cret@h", "?x=https%3A//(redacted)@h"),
        ("?x=https://u:S3cret%40h", "?x=https://(redacted)%40h"),
        (
            "?x=%2Fy%3Fz%3Dhttps%253A%252F%252Fu%253AS3cret%2540h",
            "?x=%2Fy%3Fz%3Dhttps%253A%252F%252F(redacted)%2540h",
        ),
        ("/https:%2F%2Fu:S3cret@h", "/https:%2F%2F(redacted)@h"),
        ("/https://u:S3cret&S3cret@h/x", "/https://(redacted)@h/x"),
        (
            &format!("/{users}/x?pass=S3cret"),
            "/https%3A%2F%2F(redacted)%40h/x?pass=(redacted)",
        ),
        (
            "/a@b?x=https://h&y=c@d&z=%40%zz",
            "/a@b?x=https://h&y=c@d&z=%40%zz",
        ),
        ("/a%3A%2F%2Fb%2Fc%40d", "/a%3A%2F%2Fb%2Fc%40d"),
    ] {
        let line = format!("GET /api/atlas/v2/groups{sent}");
        let headers = format!("x-original-uri: /x{sent}\r\n");
        send(&server, &line, &headers, "").await;
        let requests = requests(&server, "").await;
        let last = requests["requests"].as_array().unwrap().last().unwrap();
        assert_eq!(last["target"], format!("/api/atlas/v2/groups{shown}"));
        assert!(!last.to_string().contains(SECRET), "{last}");
    }
}

#[tokio::test]
async fn secrets_with_names_in_other_forms_are_not_shown() {
    let names = "passwords newPasswords secrets tokens apiKeys privateKeys secretValue password_hash \
        pass passcode credentialsJson encryptionKey jwt authorizationHeader";
    let server = SandboxServer::start().await.unwrap();
    let mut bodies = vec![(
        "content-type: multipart/form-data; boundary=b\r\n",
        "--b\r\nContent-Disposition: form-data; name=\"pass\"\r\n\r\nS3cret\r\n--b--".to_owned(),
    )];
    for name in names.split_whitespace() {
        for secret in [
            json!("S3cret"),
            json!(["S3cret", ["S3cret"]]),
            json!({"a": "S3cret", "b": [{"c": "S3cret"}]}),
        ] {
            bodies.push(("", json!({"a": [{name: secret}], "b": "shown"}).to_string()));
        }
        let form = "content-type: application/x-www-form-urlencoded\r\n";
        bodies.push((form, format!("{name}=S3cret&a%5B{name}%5D=S3cret&b=shown")));
    }
    for (headers, body) in bodies {
        let headers = format!("{headers}x-secret-value: S3cret\r\nx-token-2: S3cret\r\n");
        send(
            &server,
            "POST /x?pass=S3cret&apiKeys=S3cret",
            &headers,
            &body,
        )
        .await;
        let requests = requests(&server, "").await;
        let last = requests["requests"].as_array().unwrap().last().unwrap();
        assert!(!last.to_string().contains(SECRET), "{last}");
        let is_shown = last["body"].to_string().contains("shown");
        assert_eq!(is_shown, body.contains("shown"), "{last}");
    }
}

#[tokio::test]
async fn fields_with_similar_names_are_shown() {
    let body = json!({
        "nextPageToken": "a", "publicKey": "b", "tokenTtl": "c", "secretExpiresAfterHours": "d",
        "apiKeyId": "e", "passwordAuthEnabled": true, "passwords": null, "tokensUsed": 1,
        "connectionStrings": {"standard": "mongodb://h"}, "authentication": {"mechanism": "f"},
    });
    let server = SandboxServer::start().await.unwrap();
    send(&server, "POST /x", "", &body.to_string()).await;
    assert_eq!(requests(&server, "").await["requests"][0]["body"], body);
}
