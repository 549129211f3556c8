//! Access tokens of a service account: rate limits, causes, and the place of the secret.

use std::convert::Infallible;
use std::future::{Pending, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};

use atlas_transport::retry::RetryPolicy;
use atlas_transport::{
    CachedToken, Client, ClientAuthentication, ClientBuilder, Credentials, Error, ErrorKind,
    TokenCache, TokenDirectory, TokenKey,
};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::time::Instant;
use tower_service::Service;

use super::get;
use super::peer::{Act, Peer, answer};
use super::service::Scripted;

const TOKEN: &str = r#"{"access_token":"f3tched-t0ken","expires_in":3600}"#;
const ID: &str = "mdb_sa_id_1";
const SECRET: &str = "mdb_sa_sk_s3cret";

fn builder(url: &str) -> ClientBuilder {
    let credentials = Credentials::service_account(ID, SECRET);
    Client::builder(url.parse().unwrap(), &credentials)
}

/// Returns a client without a socket.
fn paused_client() -> ClientBuilder {
    builder("http://127.0.0.1:1").retry(RetryPolicy::default().max_attempts(2))
}

/// Responds with 429 this many times, then with a token, and counts the requests.
fn limited(times: usize, headers: &'static str) -> (Scripted, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = requests.clone();
    let service = Scripted::new(move || {
        if count.fetch_add(1, Ordering::SeqCst) < times {
            return (429, headers.to_owned(), "{}".to_owned());
        }
        (200, String::new(), TOKEN.to_owned())
    });
    (service, requests)
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_of_the_token_endpoint_is_waited_for_until_the_total_timeout() {
    for (headers, seconds) in [
        ("retry-after: 20\r\n", 20),
        ("retry-after: 1\r\n", 1),
        ("", 10),
    ] {
        let (service, requests) = limited(5, headers);
        let client = paused_client().build_with(service).unwrap();
        let start = Instant::now();
        client.execute(get()).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 5 * seconds, "{headers:?}");
        assert_eq!(requests.load(Ordering::SeqCst), 5 + 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_that_outlasts_the_call_is_reported_immediately_with_its_end() {
    for (headers, seconds, attempts) in [
        ("retry-after: 120\r\n", 0, ""),
        (
            "retry-after: 50\r\n",
            100,
            " (3 attempts; earlier: 429, 429)",
        ),
    ] {
        let (service, _) = limited(usize::MAX, headers);
        let client = paused_client().build_with(service).unwrap();
        let start = Instant::now();
        let error = client.execute(get()).await.unwrap_err();
        assert_eq!(start.elapsed().as_secs(), seconds);
        let wait = headers.trim().split(' ').nth(1).unwrap();
        assert_eq!(
            error.to_string(),
            format!(
                "no access token: rate limit of the token endpoint reached (429): ten requests a \
                 minute are allowed; try again in {wait} s{attempts}"
            )
        );
        assert!(matches!(error.kind(), ErrorKind::NoToken(_)));
        assert_eq!(error.status(), Some(StatusCode::TOO_MANY_REQUESTS));
        let asked = error.retry_after().unwrap().as_secs();
        assert_eq!(asked.to_string(), wait);
        assert!(error.is_transient() && !error.may_have_been_sent());
    }
}

#[tokio::test(start_paused = true)]
async fn an_endless_rate_limit_with_retry_after_0_gets_the_attempts_of_the_policy() {
    let (service, requests) = limited(usize::MAX, "retry-after: 0\r\n");
    let client = paused_client().build_with(service).unwrap();
    let error = client.execute(get()).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::TOO_MANY_REQUESTS));
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_policy_without_retries_does_not_wait_for_a_rate_limit() {
    let (service, requests) = limited(usize::MAX, "retry-after: 1\r\n");
    let client = paused_client().retry(RetryPolicy::none());
    let error = client.build_with(service).unwrap().execute(get()).await;
    assert!(error.unwrap_err().is_transient());
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

/// A cache into which another process puts a token after this many reads.
struct Filled {
    after: usize,
    looks: AtomicUsize,
}

impl TokenCache for Filled {
    fn load(&self, _: &TokenKey) -> Option<CachedToken> {
        let look = self.looks.fetch_add(1, Ordering::SeqCst) + 1;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let obtained = now.unwrap().as_secs();
        (look > self.after).then(|| CachedToken {
            access_token: "k3pt-t0ken".into(),
            obtained,
            expires: obtained + 3600,
        })
    }

    fn store(&self, _: &TokenKey, _: &CachedToken) {}

    fn remove(&self, _: &TokenKey) {}
}

#[tokio::test(start_paused = true)]
async fn the_cache_is_read_again_before_each_try() {
    // The cache is read at the start, and again before the first request.
    for (after, waits) in [(2, 1), (3, 2)] {
        let (service, requests) = limited(waits, "retry-after: 20\r\n");
        let filled = Filled {
            after,
            looks: AtomicUsize::new(0),
        };
        let client = paused_client().token_cache(Arc::new(filled));
        let client = client.build_with(service).unwrap();
        client.execute(get()).await.unwrap();
        let requests = requests.load(Ordering::SeqCst);
        assert_eq!(
            requests,
            waits + 1,
            "no token was requested after the last wait"
        );
    }
}

/// A transport that never responds; it notifies of requests.
#[derive(Clone)]
struct Silent(Arc<Notify>);

impl Service<Request<Full<Bytes>>> for Silent {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pending<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
        self.0.notify_one();
        pending()
    }
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().unwrap()
}

#[test]
fn a_lock_outlives_a_dropped_call_and_ends_with_the_token_request() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = Arc::new(TokenDirectory::new(folder.path()));
    let asked = Arc::new(Notify::new());
    let silent = paused_client().token_cache(tokens.clone());
    let silent = silent.build_with(Silent(asked.clone())).unwrap();
    let first = runtime();
    first.block_on(async {
        tokio::select! {
            _ = silent.execute(get()) => panic!("a call without a token ended"),
            () = asked.notified() => {}
        }
    });
    // The duration of another client's call, which waits while the first one holds the lock.
    let other = || {
        let (service, _) = limited(0, "");
        let client = paused_client().token_cache(tokens.clone());
        let client = client.build_with(service).unwrap();
        runtime().block_on(async {
            let start = Instant::now();
            client.execute(get()).await.unwrap();
            start.elapsed().as_secs()
        })
    };
    assert_eq!(other(), 30);
    for token in std::fs::read_dir(folder.path()).unwrap() {
        std::fs::write(token.unwrap().path(), "").unwrap();
    }
    drop(first);
    assert_eq!(other(), 0);
}

/// Returns an error and its sources.
fn chain(error: &Error) -> Vec<String> {
    let mut chain = vec![error.to_string()];
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        chain.push(error.to_string());
        source = error.source();
    }
    chain
}

#[tokio::test]
async fn the_error_of_a_missing_token_has_all_causes_and_each_message_once() {
    let refusal = || {
        let status = "407 Proxy Authentication Required";
        vec![Act::Read, answer(status, "", "")]
    };
    let untrusted = crate::tls::Identity::new("localhost", &["h2"]);
    let untrusted = crate::tls::serve_as(untrusted, 1).await;
    let untrusted = format!("https://localhost:{}", untrusted.port);
    for (base, through_proxy, cause) in [
        (untrusted.as_str(), false, "UnknownIssuer"),
        ("https://localhost:1", true, "proxy answered 407"),
        ("https://nowhere.invalid", false, "lookup address"),
        ("http://127.0.0.1:1", false, "refused"),
    ] {
        let (mut chains, mut lines) = (Vec::new(), Vec::new());
        for credentials in [
            Credentials::service_account(ID, SECRET),
            Credentials::bearer("t0ken"),
        ] {
            let proxy = Peer::start(vec![refusal()]).await;
            let builder = Client::builder(base.parse().unwrap(), &credentials);
            let builder = builder.retry(RetryPolicy::none());
            let builder = if through_proxy {
                builder.proxy(proxy.url())
            } else {
                builder.no_proxy()
            };
            let error = builder.build().unwrap().execute(get()).await.unwrap_err();
            lines.push(atlas_model::error_line(&error));
            chains.push(chain(&error));
        }
        let [mut token, other] = <[_; 2]>::try_from(chains).unwrap();
        let whole = &lines[0];
        assert_eq!(whole.matches(cause).count(), 1, "{whole}");
        assert!(
            token[0].starts_with("no access token: no connection to "),
            "{whole}"
        );
        token[0] = token[0].replace("no access token: ", "");
        assert_eq!(token, other);
    }
}

/// Returns a client's requests to the token endpoint: for a token, and for its revocation.
async fn token_requests(credentials: &Credentials) -> Vec<String> {
    let script = |body| vec![Act::Read, answer("200 OK", "", body)];
    let peer = Peer::start(vec![script(TOKEN), script("{}"), script("")]).await;
    let client = Client::new(peer.url().parse().unwrap(), credentials).unwrap();
    client.execute(get()).await.unwrap();
    client.revoke_token().await.unwrap();
    let mut requests = peer.requests();
    assert_eq!(requests.len(), 3);
    let call = requests.remove(1);
    assert!(
        call.contains("authorization: Bearer f3tched-t0ken\r\n"),
        "{call}"
    );
    requests
}

#[tokio::test]
async fn id_and_secret_are_sent_with_basic_or_in_the_form_and_never_with_both() {
    let basic = Credentials::service_account(ID, "mdb_sa_sk_a/+ b");
    for request in token_requests(&basic).await {
        // mdb_sa_id_1:mdb_sa_sk_a%2F%2B+b (RFC 6749 section 2.3.1).
        let header = "authorization: Basic bWRiX3NhX2lkXzE6bWRiX3NhX3NrX2ElMkYlMkIrYg==\r\n";
        assert!(request.contains(header), "{request}");
        assert!(!request.contains("client_secret"), "{request}");
    }
    let form = basic.client_authentication(ClientAuthentication::Form);
    let sent = "&client_id=mdb_sa_id_1&client_secret=mdb_sa_sk_a%2F%2B+b";
    let requests = token_requests(&form).await;
    let begins = [
        "grant_type=client_credentials",
        "token=f3tched-t0ken&token_type_hint=access_token",
    ];
    for (request, begin) in requests.iter().zip(begins) {
        assert!(
            request.ends_with(&format!("\r\n\r\n{begin}{sent}")),
            "{request}"
        );
        assert!(!request.contains("authorization"), "{request}");
    }
}

#[tokio::test]
async fn a_form_echoed_by_the_token_endpoint_shows_no_secret() {
    let secret = "s3cr3t/+ \u{e9}&";
    let form =
        Credentials::service_account("i", secret).client_authentication(ClientAuthentication::Form);
    for echoed in [secret, "s3cr3t%2F%2B+%C3%A9%26", "s3cr3t%2F%2B%20%C3%A9%26"] {
        let body = format!(r#"{{"error":"client_secret={echoed}"}}"#);
        let peer = Peer::start(vec![vec![Act::Read, answer("400 Bad Request", "", body)]]).await;
        let client = Client::new(peer.url().parse().unwrap(), &form).unwrap();
        let error = client.execute(get()).await.unwrap_err();
        let shown = format!("{error} {error:?} {client:?}");
        assert!(
            shown.contains("[hidden]") && !shown.contains("s3cr3t"),
            "{shown}"
        );
    }
}
