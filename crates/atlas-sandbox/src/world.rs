//! The world: projects, clusters, snapshots, logins, and what was handed out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use atlas_model::{ApiError, ClusterName, ProjectId, RestoreJobId, SnapshotId};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use md5::{Digest, Md5};

use crate::snapshot_file;

/// The first world's project.
pub const PROJECT: &str = "32b6e34b3d91647abb20e7b8";
/// The first world's cluster, of the shared tier.
pub const CLUSTER: &str = "Cluster0";
/// The first world's snapshot of [`CLUSTER`].
pub const SNAPSHOT: &str = "32b6e34b3d91647abb20e7b8";

/// A login with the role Project Owner.
pub const OWNER: Login = Login {
    access_token: "sandbox-owner-token",
    public_key: "sandboxo",
    private_key: "00000000-0000-4000-8000-0000000000a1",
    client_id: "mdb_sa_id_32b6e34b3d91647abb20e7a1",
    client_secret: "mdb_sa_sk_sandbox-owner",
};

/// A login with the role Project Read Only: it gets 403 where Project Owner is asked for.
pub const READER: Login = Login {
    access_token: "sandbox-reader-token",
    public_key: "sandboxr",
    private_key: "00000000-0000-4000-8000-0000000000a2",
    client_id: "mdb_sa_id_32b6e34b3d91647abb20e7a2",
    client_secret: "mdb_sa_sk_sandbox-reader",
};

/// One user of the sandbox, in each of the three ways to prove it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Login {
    /// A bearer token that never expires.
    pub access_token: &'static str,
    /// The public half of an API key.
    pub public_key: &'static str,
    /// Its private half.
    pub private_key: &'static str,
    /// A service account's client id.
    pub client_id: &'static str,
    /// Its client secret.
    pub client_secret: &'static str,
}

/// What a login may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    ProjectOwner,
    ProjectReadOnly,
}

/// An Atlas of its own: a state, and [`handle`](Sandbox::handle) to put requests to it.
///
/// Knows neither clock nor chance: times come from the caller, and what looks random is counted.
#[derive(Debug)]
pub struct Sandbox {
    pub(crate) projects: BTreeMap<ProjectId, BTreeMap<ClusterName, Cluster>>,
    pub(crate) base_url: String,
    pub(crate) enforce_sunset: bool,
    pub(crate) nonce_lifetime: SignedDuration,
    pub(crate) download_pause: SignedDuration,
    pub(crate) forced: VecDeque<ApiError>,
    pub(crate) nonces: BTreeMap<String, Nonce>,
    pub(crate) tokens: BTreeMap<String, AccessToken>,
    pub(crate) links: BTreeMap<String, SnapshotLink>,
    /// The links in the order in which they end.
    pub(crate) ending_links: VecDeque<String>,
    pub(crate) handed_out: u64,
    pub(crate) requests: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Cluster {
    pub(crate) snapshots: BTreeMap<SnapshotId, Snapshot>,
    pub(crate) last_download: Option<Timestamp>,
}

#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) finished: Timestamp,
    pub(crate) file: Bytes,
}

#[derive(Debug)]
pub(crate) struct Nonce {
    pub(crate) issued: Timestamp,
    pub(crate) used: BTreeSet<u32>,
}

#[derive(Debug)]
pub(crate) struct AccessToken {
    pub(crate) expires: Timestamp,
    pub(crate) role: Role,
}

#[derive(Debug)]
pub(crate) struct SnapshotLink {
    pub(crate) expires: Timestamp,
    pub(crate) file: Bytes,
}

impl Sandbox {
    /// The first world; see the [crate's page](crate).
    pub fn new() -> Self {
        let mut sandbox = Self {
            projects: BTreeMap::new(),
            base_url: "http://127.0.0.1".to_owned(),
            enforce_sunset: false,
            nonce_lifetime: SignedDuration::from_secs(60),
            download_pause: SignedDuration::ZERO,
            forced: VecDeque::new(),
            nonces: BTreeMap::new(),
            tokens: BTreeMap::new(),
            links: BTreeMap::new(),
            ending_links: VecDeque::new(),
            handed_out: 0,
            requests: 0,
        };
        let ids = (PROJECT.parse(), CLUSTER.parse(), SNAPSHOT.parse());
        if let (Ok(project), Ok(cluster), Ok(snapshot)) = ids {
            sandbox.add_snapshot(project, cluster, snapshot, 1 << 20);
        }
        sandbox
    }

    /// Adds a snapshot, and its project and cluster where they are missing.
    ///
    /// Its file is a gzipped tar around `size` bytes that do not compress, the same for the same
    /// id; it is held in memory.
    pub fn add_snapshot(
        &mut self,
        project: ProjectId,
        cluster: ClusterName,
        snapshot: SnapshotId,
        size: usize,
    ) {
        let clusters = self.projects.entry(project).or_default();
        clusters.entry(cluster).or_default().snapshots.insert(
            snapshot,
            Snapshot {
                finished: SNAPSHOT_FINISHED,
                file: snapshot_file::build(snapshot, size).into(),
            },
        );
    }

    /// The file of a snapshot, as a download gives it.
    pub fn snapshot_file(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        snapshot: SnapshotId,
    ) -> Option<Bytes> {
        let cluster = self.projects.get(&project)?.get(cluster)?;
        Some(cluster.snapshots.get(&snapshot)?.file.clone())
    }

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
        self.ending_links.clear();
    }

    /// How many requests came in, the refused ones, token requests and file downloads included.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Something that was never handed out before: 32 hexadecimal digits, counted, not random.
    pub(crate) fn unheard(&mut self, kind: &str) -> String {
        self.handed_out += 1;
        hex(&Md5::digest(format!("{kind} {}", self.handed_out)))
    }

    /// Makes a link to a file, and forgets those that have ended.
    pub(crate) fn new_link(&mut self, now: Timestamp, expires: Timestamp, file: Bytes) -> String {
        while let Some(oldest) = self.ending_links.front()
            && self
                .links
                .get(oldest)
                .is_none_or(|link| link.expires <= now)
        {
            self.links.remove(oldest);
            self.ending_links.pop_front();
        }
        let signature = self.unheard("link");
        self.links
            .insert(signature.clone(), SnapshotLink { expires, file });
        self.ending_links.push_back(signature.clone());
        signature
    }

    /// An id for a new restore job.
    pub(crate) fn new_job(&mut self) -> RestoreJobId {
        self.handed_out += 1;
        let mut id = [0; 12];
        id[4..].copy_from_slice(&self.handed_out.to_be_bytes());
        RestoreJobId::from_bytes(id)
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Role {
    /// The logins there are, with their roles.
    pub(crate) const LOGINS: [(Login, Self); 2] =
        [(OWNER, Self::ProjectOwner), (READER, Self::ProjectReadOnly)];
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value & 15)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}

/// When every snapshot was complete: 2026-01-01T00:00:00Z.
const SNAPSHOT_FINISHED: Timestamp = Timestamp::constant(1_767_225_600, 0);
