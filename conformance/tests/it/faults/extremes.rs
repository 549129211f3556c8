//! Extreme numbers from servers and extreme settings: every call must end with a response or an
//! error.

use std::sync::Arc;
use std::time::Duration;

use atlas_model::SnapshotUrl;
use atlas_transport::retry::RetryPolicy;
use atlas_transport::{ByteRange, CachedToken, Client, Credentials, TokenCache, TokenKey};
use proptest::prelude::*;

use super::service::Scripted;
use super::{documented, get};
use crate::operation;

/// Header values: limits of number types, nearby numbers, dates, and nonsense.
fn value() -> impl Strategy<Value = String> {
    let edges = [
        "0",
        "-1",
        "1",
        "4294967296",
        "9223372036854775807",
        "18446744073709551615",
        "18446744073709551616",
        "340282366920938463463374607431768211456",
        "1e308",
        "NaN",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Thu, 1 Jan 1970 00:00:00 GMT",
        "Mon, 01 Jan -001 00:00:00 GMT",
        "@9223372036854775807",
        "bytes 0-8388607/288230376151711744",
        "bytes 0-18446744073709551615/*",
        "bytes 0-0/18446744073709551615",
        "bytes 18446744073709551615-18446744073709551615/*",
        "bytes */18446744073709551615",
    ];
    prop_oneof![
        4 => prop::sample::select(edges.to_vec()).prop_map(str::to_owned),
        2 => any::<u64>().prop_map(|number| number.to_string()),
        1 => any::<f64>().prop_map(|number| number.to_string()),
        1 => "[ -~]{0,24}",
    ]
}

const HEADERS: [&str; 9] = [
    "retry-after",
    "date",
    "ratelimit-limit",
    "ratelimit-remaining",
    "deprecation",
    "sunset",
    "content-range",
    "content-length",
    "age",
];

/// Runs a future on paused time, for a year at most.
fn run<T>(future: impl Future<Output = T>) -> Option<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let year = Duration::from_secs(366 * 24 * 3600);
    runtime.block_on(async { tokio::time::timeout(year, future).await.ok() })
}

fn client(credentials: &Credentials, script: Scripted, policy: RetryPolicy) -> Client {
    Client::builder("http://127.0.0.1:1".parse().unwrap(), credentials)
        .retry(policy)
        .build_with(script)
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_header_makes_a_call_or_a_download_panic(
        status in prop::sample::select(vec![200_u16, 206, 400, 401, 403, 416, 429, 500, 503]),
        headers in prop::collection::vec((prop::sample::select(HEADERS.to_vec()), value()), 0..6),
        last in prop_oneof![Just(None), any::<u64>().prop_map(Some)],
    ) {
        let lines = headers.iter().map(|(name, value)| format!("{name}: {}\n", value.trim()));
        let head = lines.collect::<Vec<_>>().concat();
        let script = Scripted::new(move || (status, head.clone(), documented()));
        let client = client(&Credentials::bearer("t0ken"), script, RetryPolicy::default());
        let link = SnapshotUrl::new("http://127.0.0.1:1/s.tgz");
        let range = ByteRange { first: 0, last, if_range: None };
        let ended = run(async {
            for _ in 0..3 {
                let _ = client.send(&operation()).await.map_err(|error| error.retry_after());
                let _ = client.execute(get()).await;
            }
            if let Ok(mut part) = client.download_part(&link, &range).await {
                while let Ok(Some(_)) = part.chunk().await {}
            }
        });
        prop_assert!(ended.is_some());
    }

    #[test]
    fn no_lifetime_of_a_token_makes_a_call_panic(
        expires_in in value(),
        quoted: bool,
        obtained: u64,
        expires in prop_oneof![Just(u64::MAX), any::<u64>()],
    ) {
        let expires_in = if quoted { format!("{expires_in:?}") } else { expires_in };
        let body = format!(r#"{{"access_token": "t0ken", "expires_in": {expires_in}}}"#);
        let script = Scripted::new(move || (200, String::new(), body.clone()));
        let cached = CachedToken { access_token: "t0ken".into(), obtained: 0, expires };
        let other = CachedToken { obtained, ..cached.clone() };
        for token in [cached, other] {
            let client = Client::builder(
                "http://127.0.0.1:1".parse().unwrap(),
                &Credentials::service_account("id", "s3cret"),
            )
            .token_cache(Arc::new(Cached(token)))
            .build_with(script.clone())
            .unwrap();
            let ended = run(async {
                for _ in 0..3 {
                    client.execute(get()).await?;
                }
                Ok::<_, atlas_transport::Error>(())
            });
            // If the response is not JSON, the call fails, but must not wait for a token.
            if let Err(error) = ended.unwrap() {
                prop_assert!(!error.is_transient(), "{error}");
            }
        }
    }
}

/// A cache that always has the same token.
struct Cached(CachedToken);

impl TokenCache for Cached {
    fn load(&self, _: &TokenKey) -> Option<CachedToken> {
        Some(self.0.clone())
    }

    fn store(&self, _: &TokenKey, _: &CachedToken) {}

    fn remove(&self, _: &TokenKey) {}
}

#[test]
fn no_setting_makes_a_call_panic() {
    let extremes = [Duration::ZERO, Duration::from_nanos(1), Duration::MAX];
    for delay in extremes {
        for limit in extremes {
            let mut policy = RetryPolicy::default().max_attempts(u32::MAX);
            (policy.base_delay, policy.max_delay, policy.retry_after_cap) = (delay, delay, delay);
            let mut asks = false;
            let script = Scripted::new(move || {
                asks = !asks;
                let busy = if asks {
                    ""
                } else {
                    "retry-after: 18446744073709551615"
                };
                (429, busy.to_owned(), "{}".to_owned())
            });
            let client = Client::builder(
                "http://127.0.0.1:1".parse().unwrap(),
                &Credentials::bearer("t0ken"),
            )
            .retry(policy)
            .connect_timeout(limit)
            .read_timeout(limit)
            .total_timeout(limit)
            .build_with(script)
            .unwrap();
            // With endless settings, an endless wait is correct.
            let ended = run(client.execute(get())).is_some();
            assert!(ended || limit == Duration::MAX, "{delay:?} {limit:?}");
        }
    }
}
