//! The settings and counters of a world.

use std::sync::atomic::Ordering;

use atlas_model::ApiError;
use jiff::SignedDuration;

use crate::api::fidelity::Fidelity;
use crate::world::Sandbox;

/// The settings that a server keeps for a new world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    enforce_sunset: bool,
    form_credentials: bool,
    min_fidelity: Fidelity,
    nonce_lifetime: SignedDuration,
    download_pause: SignedDuration,
    download_delay: SignedDuration,
    restore_time: SignedDuration,
    provisioning_time: SignedDuration,
    limits_rates: bool,
}

impl Sandbox {
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            enforce_sunset: self.enforce_sunset,
            form_credentials: self.form_credentials,
            min_fidelity: self.min_fidelity,
            nonce_lifetime: self.nonce_lifetime,
            download_pause: self.download_pause,
            download_delay: self.download_delay,
            restore_time: self.restore_time,
            provisioning_time: self.provisioning_time,
            limits_rates: self.limits_rates,
        }
    }

    pub(crate) fn adopt(&mut self, settings: Settings) {
        self.enforce_sunset = settings.enforce_sunset;
        self.form_credentials = settings.form_credentials;
        self.min_fidelity = settings.min_fidelity;
        self.nonce_lifetime = settings.nonce_lifetime;
        self.download_pause = settings.download_pause;
        self.download_delay = settings.download_delay;
        self.restore_time = settings.restore_time;
        self.provisioning_time = settings.provisioning_time;
        self.limits_rates = settings.limits_rates;
    }

    /// Sets the base URL of issued links: scheme, host and port.
    pub fn set_base_url(&mut self, url: impl Into<String>) {
        self.base_url = url.into();
    }

    /// Sets whether an operation past its sunset date returns 410; `false` by default.
    pub fn enforce_sunset(&mut self, enforce: bool) {
        self.enforce_sunset = enforce;
    }

    /// Sets whether a service account may send its id and secret as `client_id` and `client_secret`
    /// in the form of a token or revocation request (RFC 6749 section 2.3.1); `false` by default.
    ///
    /// HTTP Basic always works; both at once are `invalid_request`. Whether Atlas accepts the form
    /// is not known: a client that relies on it may fail there.
    pub fn accept_form_credentials(&mut self, accept: bool) {
        self.form_credentials = accept;
    }

    /// Sets the lifetime of a digest nonce; a minute by default.
    pub fn set_nonce_lifetime(&mut self, lifetime: SignedDuration) {
        self.nonce_lifetime = lifetime;
    }

    /// Sets the minimum time between downloads of a cluster; zero by default. An earlier download
    /// gets 409 `CANNOT_DOWNLOAD_SNAPSHOT_CONCURRENTLY`.
    pub fn set_download_pause(&mut self, pause: SignedDuration) {
        self.download_pause = pause;
    }

    /// Sets the time of a download from `PENDING` to its links; zero by default. The first response
    /// of a dedicated cluster has no link even then.
    pub fn set_download_delay(&mut self, delay: SignedDuration) {
        self.download_delay = delay;
    }

    /// Sets the time of a restore from `PENDING` to `COMPLETED`; a minute by default.
    pub fn set_restore_time(&mut self, time: SignedDuration) {
        self.restore_time = time;
    }

    /// Sets the time until a requested change is ready: clusters, snapshots, search nodes, private
    /// endpoints, exports and the like; a minute by default.
    pub fn set_provisioning_time(&mut self, time: SignedDuration) {
        self.provisioning_time = time;
    }

    /// Makes operations of a lower fidelity return 501 `NOT_EMULATED`; [`Fidelity::Generic`], so
    /// none, by default.
    pub fn set_min_fidelity(&mut self, least: Fidelity) {
        self.min_fidelity = least;
    }

    /// Makes the next `jobs` jobs fail.
    pub fn fail_next_jobs(&mut self, jobs: u32) {
        self.failing_jobs = jobs;
    }

    /// Responds to the next authenticated request with this error. Further errors are queued.
    pub fn answer_next_with(&mut self, error: ApiError) {
        self.forced.push_back(error);
    }

    /// Invalidates every issued nonce, token and link.
    pub fn forget_sessions(&mut self) {
        self.nonces.clear();
        self.tokens.clear();
        self.links.clear();
    }

    /// Expires every issued link, as after four hours.
    pub fn end_links(&mut self) {
        self.links.clear();
    }

    /// Returns the number of requests, including refused ones, token requests and file downloads.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Returns the number of completed requests that overwrite a cluster.
    pub fn writes(&self) -> u64 {
        self.writes
    }

    /// Returns the number of bytes of snapshot files that were sent.
    pub fn served_bytes(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }
}
