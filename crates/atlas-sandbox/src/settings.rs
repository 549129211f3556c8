//! What can be set about a world, and what can be counted in it.

use std::sync::atomic::Ordering;

use atlas_model::ApiError;
use jiff::SignedDuration;

use crate::api::fidelity::Fidelity;
use crate::world::Sandbox;

/// What the setters set that goes on when a server gets another world.
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

    /// Where the sandbox is reached, for the links it hands out: scheme, host and port.
    pub fn set_base_url(&mut self, url: impl Into<String>) {
        self.base_url = url.into();
    }

    /// Whether an operation past its sunset is answered 410; `false` at first.
    pub fn enforce_sunset(&mut self, enforce: bool) {
        self.enforce_sunset = enforce;
    }

    /// Whether a service account may show its id and secret as `client_id` and `client_secret` in the
    /// form of a request for a token, or to revoke one (RFC 6749 section 2.3.1); `false` at first.
    ///
    /// HTTP Basic always works; both at once are `invalid_request`. Whether Atlas takes the form is
    /// not known: a client that needs it may fail there.
    pub fn accept_form_credentials(&mut self, accept: bool) {
        self.form_credentials = accept;
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

    /// How long it takes until what was asked for is ready: clusters, snapshots, search nodes,
    /// private endpoints, exports and the like; a minute at first.
    pub fn set_provisioning_time(&mut self, time: SignedDuration) {
        self.provisioning_time = time;
    }

    /// Answers 501 `NOT_EMULATED` to operations of a lesser fidelity; [`Fidelity::Generic`], so
    /// none, at first.
    pub fn set_min_fidelity(&mut self, least: Fidelity) {
        self.min_fidelity = least;
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
