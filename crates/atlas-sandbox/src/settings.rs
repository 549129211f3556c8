//! What can be set about a world, and what can be counted in it.

use std::sync::atomic::Ordering;

use atlas_model::ApiError;
use jiff::SignedDuration;

use crate::world::Sandbox;

impl Sandbox {
    /// Where the sandbox is reached, for the links it hands out: scheme, host and port.
    pub fn set_base_url(&mut self, url: impl Into<String>) {
        self.base_url = url.into();
    }

    /// Whether an operation past its sunset is answered 410; `false` at first.
    pub fn enforce_sunset(&mut self, enforce: bool) {
        self.enforce_sunset = enforce;
    }

    /// How long a digest nonce is good for; a minute at first.
    pub fn set_nonce_lifetime(&mut self, lifetime: SignedDuration) {
        self.nonce_lifetime = lifetime;
    }

    /// How long a cluster's downloads must lie apart; zero at first. One that comes sooner is
    /// answered 409 `CANNOT_DOWNLOAD_SNAPSHOT_CONCURRENTLY`.
    pub fn set_download_pause(&mut self, pause: SignedDuration) {
        self.download_pause = pause;
    }

    /// How long a download takes from `PENDING` to its links; zero at first. The first answer of
    /// a dedicated cluster has no link even then.
    pub fn set_download_delay(&mut self, delay: SignedDuration) {
        self.download_delay = delay;
    }

    /// How long a restore takes from `PENDING` to `COMPLETED`; a minute at first.
    pub fn set_restore_time(&mut self, time: SignedDuration) {
        self.restore_time = time;
    }

    /// Lets the next so many jobs fail.
    pub fn fail_next_jobs(&mut self, jobs: u32) {
        self.failing_jobs = jobs;
    }

    /// Answers the next authenticated request with this error, whatever it asks; more than one
    /// wait in line.
    pub fn answer_next_with(&mut self, error: ApiError) {
        self.forced.push_back(error);
    }

    /// Forgets every nonce, token and link that was handed out.
    pub fn forget_sessions(&mut self) {
        self.nonces.clear();
        self.tokens.clear();
        self.links.clear();
    }

    /// Ends every link that was handed out, as four hours would.
    pub fn end_links(&mut self) {
        self.links.clear();
    }

    /// How many requests came in, the refused ones, token requests and file downloads included.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// How many requests were carried out that write over a cluster.
    pub fn writes(&self) -> u64 {
        self.writes
    }

    /// How many bytes of snapshot files went out.
    pub fn served_bytes(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }
}
