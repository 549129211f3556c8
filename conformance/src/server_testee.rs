//! A server under test.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::fixtures::FixtureError;
use crate::variables::Variables;
use crate::verdict::{Judgement, Verdict};

/// A server under test. Clones share what was learned of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerTestee {
    /// Its name, for reports.
    pub name: String,
    /// Its version, for reports; may be empty.
    pub version: String,
    /// Where it answers: `http://host:port` or `https://host:port`.
    pub url: String,
    /// What differs from server to server.
    pub variables: Variables,
    /// Whether cases that write may be run where the world cannot be reset.
    pub allows_writes: bool,
    /// How long it may take for an answer.
    pub patience: Duration,
    /// Whether its world can be reset, once that is known.
    pub(crate) is_controlled: Arc<OnceCell<bool>>,
    /// Tokens that it gave, by login, where its world stays.
    pub(crate) tokens: Arc<Mutex<BTreeMap<String, String>>>,
    /// How many cases in a row it left without an answer.
    silent: Arc<AtomicUsize>,
}

impl ServerTestee {
    /// A server with the variables of the sandbox's default world, which is written to only if its
    /// world can be reset, and may take 30 s for an answer.
    ///
    /// # Errors
    /// [`FixtureError`]: the embedded variables are invalid.
    pub fn new(name: &str, url: &str) -> Result<Self, FixtureError> {
        Ok(Self {
            name: name.to_owned(),
            version: String::new(),
            url: url.trim_end_matches('/').to_owned(),
            variables: Variables::default_world()?,
            allows_writes: false,
            patience: Duration::from_secs(30),
            is_controlled: Arc::default(),
            tokens: Arc::default(),
            silent: Arc::default(),
        })
    }

    /// Whether it has left so many cases in a row without an answer that others need not be run.
    pub(crate) fn is_gone(&self) -> bool {
        self.silent.load(Ordering::Relaxed) >= SILENT_IN_A_ROW
    }

    /// Notes whether it answered a case.
    pub(crate) fn note(&self, judgement: &Judgement) {
        match judgement.verdict {
            Verdict::Silent => self.silent.fetch_add(1, Ordering::Relaxed),
            Verdict::Error => 0,
            _ => self.silent.swap(0, Ordering::Relaxed),
        };
    }
}

/// After so many silent cases in a row, no other is run.
pub(crate) const SILENT_IN_A_ROW: usize = 5;
