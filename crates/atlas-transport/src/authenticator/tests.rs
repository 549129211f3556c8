use std::future::{Future as _, poll_fn};
use std::task::Poll;
use std::time::Duration;

use http::header::WWW_AUTHENTICATE;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;

/// Long enough for everything in these tests; time is paused.
const EVER: Duration = Duration::from_secs(3600);

type Duties = Arc<Mutex<Vec<Fetching>>>;

fn auth(credentials: &Credentials) -> (Arc<Authenticator>, Duties) {
    let auth = Authenticator::new(credentials).unwrap();
    (auth, Arc::new(Mutex::new(Vec::new())))
}

/// Starts one call's next attempt in a task, and lets it run until it waits.
async fn begun(
    (auth, duties): &(Arc<Authenticator>, Duties),
) -> JoinHandle<Result<Prepared, ErrorKind>> {
    let (auth, duties) = (auth.clone(), duties.clone());
    let begun = tokio::spawn(async move {
        let fetch = |duty| duties.lock().push(duty);
        auth.prepare("GET", "/a", fetch).await
    });
    tokio::task::yield_now().await;
    begun
}

async fn ended(begun: JoinHandle<Result<Prepared, ErrorKind>>) -> Result<Prepared, ErrorKind> {
    let ended = timeout(EVER, begun).await;
    ended.expect("the attempt ends").unwrap()
}

/// Runs one call's next attempt, which does not wait for another call.
async fn attempt(who: &(Arc<Authenticator>, Duties)) -> Result<Prepared, ErrorKind> {
    ended(begun(who).await).await
}

fn challenge(nonce: &str) -> HeaderMap {
    let text = format!("Digest realm=\"r\", nonce=\"{nonce}\", qop=\"auth\"");
    HeaderMap::from_iter([(WWW_AUTHENTICATE, text.parse().unwrap())])
}

fn api_key() -> (Arc<Authenticator>, Duties) {
    auth(&Credentials::api_key("public", "private"))
}

fn service_account() -> (Arc<Authenticator>, Duties) {
    auth(&Credentials::service_account("id", "s3cret"))
}

fn token(text: &str) -> Token {
    Token {
        access_token: text.into(),
        lifetime: EVER,
    }
}

const REFUSED: StatusCode = StatusCode::UNAUTHORIZED;

#[tokio::test(start_paused = true)]
async fn a_challenge_wakes_one_call_and_its_success_the_others() {
    let who = api_key();
    let probe = attempt(&who).await.unwrap();
    assert!(probe.authorization.is_none());
    let (second, third) = (begun(&who).await, begun(&who).await);
    assert!(!second.is_finished() && !third.is_finished());
    assert_eq!(probe.observe(1, REFUSED, &challenge("n1")), Verdict::Retry);
    let second = ended(second).await.unwrap();
    assert!(second.authorization.is_some());
    tokio::task::yield_now().await;
    assert!(!third.is_finished(), "a single call verifies the keys");
    second.observe(1, StatusCode::OK, &HeaderMap::new());
    assert!(ended(third).await.unwrap().authorization.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_waiting_call_takes_over_from_a_dropped_one() {
    let who = api_key();
    let probe = attempt(&who).await.unwrap();
    let second = begun(&who).await;
    drop(probe);
    let probe = ended(second).await.unwrap();
    assert!(probe.authorization.is_none(), "the waiting call probes");
    probe.observe(1, REFUSED, &challenge("n1"));
    let trial = attempt(&who).await.unwrap();
    let third = begun(&who).await;
    drop(trial);
    assert!(ended(third).await.unwrap().authorization.is_some());
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_without_waiters_does_not_end_the_verification() {
    let who = api_key();
    let probe = attempt(&who).await.unwrap();
    probe.observe(1, REFUSED, &challenge("n1"));
    let trial = attempt(&who).await.unwrap();
    trial.observe(1, StatusCode::OK, &HeaderMap::new());
    let plain = attempt(&who).await.unwrap();
    let refused = attempt(&who).await.unwrap();
    refused.observe(1, REFUSED, &challenge("n2"));
    let _trial = attempt(&who).await.unwrap();
    drop(plain);
    let waits = begun(&who).await;
    assert!(timeout(EVER, waits).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_is_dropped_is_taken_over_and_ends_with_a_token_for_all() {
    let who = service_account();
    let (first, second) = (begun(&who).await, begun(&who).await);
    assert_eq!(who.1.lock().len(), 1);
    who.1.lock().clear();
    tokio::task::yield_now().await;
    let duty = who.1.lock().pop();
    duty.expect("a waiting call took over the fetch")
        .end(Ok(token("t1")));
    for call in [first, second] {
        let call = ended(call).await.unwrap();
        assert_eq!(call.authorization.as_ref().unwrap(), "Bearer t1");
    }
}

#[tokio::test(start_paused = true)]
async fn the_fetch_of_a_token_knows_the_refused_one() {
    let who = service_account();
    let first = begun(&who).await;
    let duty = who.1.lock().pop().unwrap();
    assert!(duty.refused().is_none());
    duty.end(Ok(token("t1")));
    let refused = ended(first).await.unwrap();
    assert_eq!(
        refused.observe(1, REFUSED, &HeaderMap::new()),
        Verdict::Retry
    );
    let second = begun(&who).await;
    let duty = who.1.lock().pop().unwrap();
    assert_eq!(duty.refused().unwrap().expose_secret(), "t1");
    duty.end(Ok(token("t2")));
    assert!(ended(second).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn only_a_service_account_has_a_token_to_drop() {
    let who = service_account();
    assert!(who.0.drop_token().is_none());
    let first = begun(&who).await;
    who.1.lock().pop().unwrap().end(Ok(token("t1")));
    drop(ended(first).await);
    assert_eq!(who.0.drop_token().unwrap().expose_secret(), "t1");
    let _next = begun(&who).await;
    assert_eq!(who.1.lock().len(), 1, "the next call fetches another");
}

#[test]
fn only_a_service_account_requests_and_revokes_tokens() {
    let token = SecretString::from("t 1");
    let (who, _) = service_account();
    let request = who.token_request().unwrap();
    assert_eq!(request.uri(), "/api/oauth/token");
    let revokes = who.revocation_request(&token).unwrap();
    assert_eq!(revokes.uri(), "/api/oauth/revoke");
    assert!(revokes.body().starts_with(b"token=t+1&"));
    for (other, _) in [api_key(), auth(&Credentials::bearer("t"))] {
        assert!(other.drop_token().is_none() && other.token_request().is_none());
        assert!(other.revocation_request(&token).is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_fetch_fails_the_calls_that_waited_for_it_and_no_later_one() {
    let who = service_account();
    let (first, second) = (begun(&who).await, begun(&who).await);
    let duty = who.1.lock().pop().unwrap();
    duty.end(Err(ErrorKind::Unsendable { what: "it" }.into()));
    for waited in [first, second] {
        let error = ended(waited).await.err().unwrap();
        assert!(matches!(error, ErrorKind::NoToken(_)), "{error}");
    }
    let third = begun(&who).await;
    assert!(!third.is_finished(), "another fetch is in flight");
    let duty = who.1.lock().pop().unwrap();
    duty.end(Ok(token("t1")));
    assert!(ended(third).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_fetch_failed_waits_for_the_next_one_if_that_has_begun() {
    let who = service_account();
    let first = begun(&who).await;
    let duty = who.1.lock().pop().unwrap();
    duty.end(Err(ErrorKind::Unsendable { what: "it" }.into()));
    // Before the first call continues, another one starts a fetch.
    let fetch = |duty| who.1.lock().push(duty);
    let second = who.0.prepare("GET", "/a", fetch);
    let mut second = std::pin::pin!(second);
    let begun = poll_fn(|context| Poll::Ready(second.as_mut().poll(context))).await;
    assert!(begun.is_pending());
    tokio::task::yield_now().await;
    assert!(!first.is_finished());
    let duty = who.1.lock().pop().unwrap();
    duty.end(Ok(token("t1")));
    assert!(ended(first).await.is_ok() && second.await.is_ok());
}
