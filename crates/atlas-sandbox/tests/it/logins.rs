//! Logins: digests and tokens over time.

use atlas_model::{ApiError, api_error::code};
use atlas_sandbox::{OWNER, READER, Sandbox};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_auth::digest::DigestClient;
use http_auth::{PasswordParams, parse_challenges};
use jiff::SignedDuration;

use crate::world::{after, json, now, path, request};

/// Answers a challenge as a client does, with an implementation that is not the sandbox's.
struct Digest(DigestClient, &'static str);

impl Digest {
    fn challenged_by(response: &Response<Bytes>, private_key: &'static str) -> Self {
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        let challenge = response.headers()["www-authenticate"].to_str().unwrap();
        let challenges = parse_challenges(challenge).unwrap();
        Self(DigestClient::try_from(&challenges[0]).unwrap(), private_key)
    }

    fn sign(&mut self, uri: &str) -> Request<Bytes> {
        let answer = self.0.respond(&PasswordParams {
            username: OWNER.public_key,
            password: self.1,
            uri,
            method: "POST",
            body: None,
        });
        let mut request = request();
        request
            .headers_mut()
            .insert("authorization", answer.unwrap().parse().unwrap());
        request
    }
}

fn stale(response: &Response<Bytes>) -> bool {
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let challenge = response.headers()["www-authenticate"].to_str().unwrap();
    challenge.contains("stale=true")
}

fn unauthenticated() -> Request<Bytes> {
    let mut request = request();
    request.headers_mut().remove("authorization");
    request
}

#[test]
fn a_digest_is_verified_counted_and_ends_with_its_nonce() {
    let mut sandbox = Sandbox::new();
    let first = sandbox.handle(now(), unauthenticated());
    let mut digest = Digest::challenged_by(&first, OWNER.private_key);
    for _ in 0..2 {
        let response = sandbox.handle(now(), digest.sign(&path()));
        assert_eq!(response.status(), StatusCode::OK);
    }
    let replayed = digest.sign(&path());
    assert_eq!(sandbox.handle(now(), replayed.clone()).status(), 200);
    assert!(!stale(&sandbox.handle(now(), replayed)));
    let late = after(SignedDuration::from_secs(61));
    assert!(stale(&sandbox.handle(late, digest.sign(&path()))));
    sandbox.forget_sessions();
    assert!(stale(&sandbox.handle(now(), digest.sign(&path()))));
}

#[test]
fn a_wrong_key_is_refused_and_not_called_stale() {
    let mut sandbox = Sandbox::new();
    let first = sandbox.handle(now(), unauthenticated());
    let mut digest = Digest::challenged_by(&first, "wrong");
    assert!(!stale(&sandbox.handle(now(), digest.sign(&path()))));
    let late = after(SignedDuration::from_secs(61));
    assert!(!stale(&sandbox.handle(late, digest.sign(&path()))));
}

#[test]
fn a_digest_for_another_target_or_without_its_parts_is_a_bad_request() {
    let mut sandbox = Sandbox::new();
    let first = sandbox.handle(now(), unauthenticated());
    let mut digest = Digest::challenged_by(&first, OWNER.private_key);
    let response = sandbox.handle(now(), digest.sign("/elsewhere"));
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let mut half = request();
    let header = "Digest username=\"sandboxo\"".parse().unwrap();
    half.headers_mut().insert("authorization", header);
    assert_eq!(
        sandbox.handle(now(), half).status(),
        StatusCode::BAD_REQUEST
    );
}

fn token_request(id: &str, secret: &str, form: &'static str) -> Request<Bytes> {
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
    Request::post("/api/oauth/token")
        .header("authorization", format!("Basic {pair}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.into())
        .unwrap()
}

const GRANT: &str = "grant_type=client_credentials";

#[test]
fn a_fetched_token_works_for_an_hour_or_until_it_is_revoked() {
    let mut sandbox = Sandbox::new();
    let (id, secret) = (OWNER.client_id, OWNER.client_secret);
    let answer = json(&sandbox.handle(now(), token_request(id, secret, GRANT)));
    assert_eq!(answer["expires_in"], 3600);
    assert_eq!(answer["token_type"], "Bearer");
    let token = answer["access_token"].as_str().unwrap();
    let mut with_token = request();
    let header = format!("Bearer {token}").parse().unwrap();
    with_token.headers_mut().insert("authorization", header);
    assert_eq!(sandbox.handle(now(), with_token.clone()).status(), 200);
    let late = after(SignedDuration::from_secs(3600));
    assert_eq!(sandbox.handle(late, with_token.clone()).status(), 401);
    let revoke = |id, secret| {
        let mut revoke = token_request(id, secret, GRANT);
        *revoke.uri_mut() = "/api/oauth/revoke".parse().unwrap();
        *revoke.body_mut() = format!("token={token}").into();
        revoke
    };
    // RFC 7009 section 2.1: a client can only revoke its own tokens.
    let by_another = revoke(READER.client_id, READER.client_secret);
    let refused = sandbox.handle(now(), by_another);
    assert_eq!(refused.status(), 400);
    assert_eq!(json(&refused)["error"], "unauthorized_client");
    assert_eq!(sandbox.handle(now(), with_token.clone()).status(), 200);
    let revoked = sandbox.handle(now(), revoke(id, secret));
    assert_eq!(revoked.status(), 200);
    assert_eq!(sandbox.handle(now(), with_token).status(), 401);
}

#[test]
fn the_token_endpoint_returns_the_errors_of_rfc_6749() {
    let cases = [
        (OWNER.client_id, "wrong", GRANT, 401, "invalid_client"),
        ("nobody", OWNER.client_secret, GRANT, 401, "invalid_client"),
        (
            OWNER.client_id,
            OWNER.client_secret,
            "",
            400,
            "invalid_request",
        ),
        (
            OWNER.client_id,
            OWNER.client_secret,
            "grant_type=password",
            400,
            "unsupported_grant_type",
        ),
    ];
    for (id, secret, form, status, error) in cases {
        let response = Sandbox::new().handle(now(), token_request(id, secret, form));
        assert_eq!(response.status(), status);
        assert_eq!(json(&response)["error"], error);
    }
}

#[test]
fn each_service_account_may_request_ten_tokens_per_minute() {
    let mut sandbox = Sandbox::new();
    let (id, secret) = (OWNER.client_id, OWNER.client_secret);
    for _ in 0..10 {
        let answer = sandbox.handle(now(), token_request(id, secret, GRANT));
        assert_eq!(answer.status(), StatusCode::OK);
    }
    let refused = sandbox.handle(now(), token_request(id, secret, GRANT));
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "7");
    let error: ApiError = serde_json::from_slice(refused.body()).unwrap();
    assert!(error.has_code(code::RATE_LIMITED_TOKEN_BUCKET));
    let other = token_request(READER.client_id, READER.client_secret, GRANT);
    assert_eq!(sandbox.handle(now(), other).status(), StatusCode::OK);
    let later = after(SignedDuration::from_secs(7));
    let answer = sandbox.handle(later, token_request(id, secret, GRANT));
    assert_eq!(answer.status(), StatusCode::OK);
    sandbox.limit_rates(false);
    for _ in 0..20 {
        let answer = sandbox.handle(later, token_request(id, secret, GRANT));
        assert_eq!(answer.status(), StatusCode::OK);
    }
}

#[test]
fn paths_outside_of_the_api_return_their_methods_too() {
    for (path, method, allowed) in [
        ("/api/oauth/token", Method::GET, "POST"),
        ("/api/oauth/revoke", Method::DELETE, "POST"),
        ("/", Method::POST, "GET"),
    ] {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Bytes::new()).unwrap();
        let answer = Sandbox::new().handle(now(), request);
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(answer.headers()["allow"], allowed, "{path}");
        assert!(json(&answer)["errorCode"].is_string(), "{path}");
    }
}

/// A request to the token endpoint with a form and, unless it is empty, an `Authorization`.
fn with_form(sandbox: &mut Sandbox, path: &str, authorization: &str, form: &str) -> (u16, String) {
    let mut request =
        http::Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    if !authorization.is_empty() {
        request = request.header("authorization", authorization);
    }
    let request = request.body(form.to_owned().into()).unwrap();
    let response = sandbox.handle("2026-01-02T03:04:05Z".parse().unwrap(), request);
    let status = response.status().as_u16();
    let body = String::from_utf8(response.into_body().to_vec()).unwrap();
    (status, body)
}

#[test]
fn credentials_in_the_form_are_accepted_only_if_the_setting_allows_it() {
    let (id, secret) = (OWNER.client_id, OWNER.client_secret);
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let encoded = format!("{id}:{secret}").replace('_', "%5F");
    let encoded = format!("Basic {}", STANDARD.encode(encoded));
    let both = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let escaped = both.replace("sa_", "sa%5F");
    let grant = "grant_type=client_credentials";
    let wrong = format!("{grant}&client_id={id}&client_secret=wrong");
    let no_id = format!("{grant}&client_secret={secret}");
    let id_twice = format!("{both}&client_id={id}");
    let secret_twice = format!("{both}&client_secret={secret}");
    let grant_twice = format!("{both}&{grant}");
    let no_grant = format!("client_id={id}&client_secret={secret}");
    for (allowed, authorization, form, status, part) in [
        (false, "", &*both, 401, "invalid_client"),
        (false, &*basic, grant, 200, "access_token"),
        (false, &*encoded, grant, 200, "access_token"),
        (false, &*basic, &*both, 200, "access_token"),
        (true, "", &*both, 200, "access_token"),
        (true, "", &*escaped, 200, "access_token"),
        (true, &*basic, grant, 200, "access_token"),
        (true, &*basic, &*both, 400, "invalid_request"),
        (true, "Bearer x", &*both, 400, "invalid_request"),
        (true, "", &*wrong, 401, "invalid_client"),
        (true, "", grant, 401, "invalid_client"),
        (true, "", &*no_id, 400, "invalid_request"),
        (true, "", &*id_twice, 400, "invalid_request"),
        (true, "", &*secret_twice, 400, "invalid_request"),
        (true, "", &*grant_twice, 400, "invalid_request"),
        (true, "", &*no_grant, 400, "invalid_request"),
    ] {
        let mut sandbox = Sandbox::new();
        sandbox.accept_form_credentials(allowed);
        let (seen, body) = with_form(&mut sandbox, "/api/oauth/token", authorization, form);
        assert_eq!(seen, status, "{allowed} {authorization} {form}: {body}");
        assert!(
            body.contains(part),
            "{allowed} {authorization} {form}: {body}"
        );
    }
}

#[test]
fn a_token_is_revoked_by_a_client_with_credentials_in_the_form() {
    let mut sandbox = Sandbox::new();
    sandbox.accept_form_credentials(true);
    let (id, secret) = (OWNER.client_id, OWNER.client_secret);
    let client = format!("client_id={id}&client_secret={secret}");
    let path = "/api/oauth/revoke";
    for (form, status) in [
        (format!("{client}&token=unknown"), 200),
        (client.clone(), 400),
        (format!("{client}&token=a&token=b"), 400),
        ("token=a".to_owned(), 401),
    ] {
        assert_eq!(with_form(&mut sandbox, path, "", &form).0, status, "{form}");
    }
}
