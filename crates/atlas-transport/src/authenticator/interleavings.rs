//! Runs the digest session under every order of its steps that shuttle finds:
//! `RUSTFLAGS="--cfg shuttle" cargo test -p atlas-transport --lib interleavings`

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, StatusCode};
use shuttle::sync::Mutex;
use shuttle::{future, thread};

use super::{Authenticator, Verdict};
use crate::credentials::Credentials;

/// A server that expires each nonce after a few uses.
#[derive(Default)]
struct Server {
    nonce: usize,
    /// The received counts of each nonce.
    counts: BTreeMap<usize, BTreeSet<u32>>,
}

const USES: usize = 3;

impl Server {
    fn answer(&mut self, authorization: Option<&str>) -> (StatusCode, HeaderMap) {
        let stale = authorization.is_some();
        if let Some(authorization) = authorization {
            let field = |name: &str| {
                let value = authorization.split(name).nth(1).unwrap();
                value
                    .split(['"', ','])
                    .find(|part| !part.is_empty())
                    .unwrap()
            };
            let nonce = field("nonce=").parse().unwrap();
            let count = u32::from_str_radix(field("nc="), 16).unwrap();
            let counts = self.counts.entry(nonce).or_default();
            assert!(
                counts.insert(count),
                "duplicate count {count} of nonce {nonce}"
            );
            if nonce == self.nonce && counts.len() <= USES {
                return (StatusCode::OK, HeaderMap::new());
            }
        }
        if !stale
            || self
                .counts
                .get(&self.nonce)
                .is_some_and(|counts| counts.len() > USES)
        {
            self.nonce += 1;
        }
        let challenge = format!(
            "Digest realm=\"r\", nonce=\"{}\", qop=\"auth\", stale={stale}",
            self.nonce
        );
        let mut headers = HeaderMap::new();
        headers.insert(WWW_AUTHENTICATE, challenge.parse().unwrap());
        (StatusCode::UNAUTHORIZED, headers)
    }
}

async fn call(auth: &Arc<Authenticator>, server: &Mutex<Server>) {
    for attempt in 1.. {
        let prepared = auth.prepare("GET", "/", |_| {}).await.unwrap();
        let authorization = prepared.authorization.clone();
        let authorization = authorization.as_ref().map(|value| value.to_str().unwrap());
        let (status, headers) = server.lock().unwrap().answer(authorization);
        match prepared.observe(attempt, status, &headers) {
            Verdict::Retry => assert!(attempt < 3),
            _ => return,
        }
    }
}

fn explore() {
    let auth = Authenticator::new(&Credentials::api_key("public", "private")).unwrap();
    let server = Arc::new(Mutex::new(Server::default()));
    let callers: Vec<_> = (0..3)
        .map(|number| {
            let (auth, server) = (auth.clone(), server.clone());
            thread::spawn(move || {
                future::block_on(async {
                    if number == 0 {
                        // A call that is dropped before its response must not block the others.
                        drop(auth.prepare("GET", "/", |_| {}).await.unwrap());
                    }
                    for _ in 0..2 {
                        call(&auth, &server).await;
                    }
                });
            })
        })
        .collect();
    for caller in callers {
        caller.join().unwrap();
    }
    for (nonce, counts) in &server.lock().unwrap().counts {
        let highest = *counts.last().unwrap();
        // At most one count is missing: that of the dropped call.
        assert!(
            counts.len() + 1 >= usize::try_from(highest).unwrap(),
            "{nonce}: {counts:?}"
        );
    }
}

#[test]
fn counts_strictly_increase_per_nonce_and_every_call_ends_in_random_orders() {
    shuttle::check_random(explore, 2000);
}

#[test]
fn counts_strictly_increase_per_nonce_and_every_call_ends_in_rare_orders() {
    shuttle::check_pct(explore, 2000, 3);
}
