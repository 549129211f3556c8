//! Restore jobs: how they begin, how far they are, and their links.

use atlas_model::api_error::code;
use atlas_model::shared::RestoreStatus;
use atlas_model::{
    ApiError, ClusterName, DeploymentItemName, ProjectId, RestoreJobId, SnapshotId, SnapshotUrl,
};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use crate::find::Through;
use crate::handle::Call;
use crate::object_store;
use crate::world::{Job, Sandbox};

/// What is asked of a snapshot.
pub(crate) struct Asked<'a> {
    pub(crate) project: ProjectId,
    pub(crate) cluster: &'a ClusterName,
    pub(crate) through: Through,
    pub(crate) snapshot: SnapshotId,
    pub(crate) target: Option<DeploymentItemName>,
    pub(crate) target_project: Option<ProjectId>,
}

impl Sandbox {
    /// Begins a download: links that end `life` after they are ready.
    pub(crate) fn begin_download(
        &mut self,
        call: Call<'_>,
        asked: Asked<'_>,
        life: SignedDuration,
    ) -> Result<(RestoreJobId, Job), ApiError> {
        call.owner()?;
        let (pause, takes) = (self.download_pause, self.download_delay);
        let cluster = self.find(asked.project, asked.cluster, asked.through)?;
        let files = cluster.snapshot(asked.snapshot)?.files.clone();
        if cluster
            .last_download
            .is_some_and(|last| call.now.duration_since(last) < pause)
        {
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                code::CANNOT_DOWNLOAD_SNAPSHOT_CONCURRENTLY,
                "Another download of this cluster's snapshots is under way.",
            ));
        }
        cluster.last_download = Some(call.now);
        let links_end = later(later(call.now, takes), life);
        let signatures = files
            .into_iter()
            .map(|file| self.new_link(call.now, links_end, file));
        let signatures = signatures.collect();
        self.begin(call, asked, takes, signatures, links_end)
    }

    /// Begins a restore, which writes over its target.
    pub(crate) fn begin_restore(
        &mut self,
        call: Call<'_>,
        asked: Asked<'_>,
    ) -> Result<(RestoreJobId, Job), ApiError> {
        call.owner()?;
        self.find(asked.project, asked.cluster, asked.through)?
            .snapshot(asked.snapshot)?;
        self.writes += 1;
        let takes = self.restore_time;
        self.begin(call, asked, takes, Vec::new(), Timestamp::MAX)
    }

    fn begin(
        &mut self,
        call: Call<'_>,
        asked: Asked<'_>,
        takes: SignedDuration,
        signatures: Vec<String>,
        links_end: Timestamp,
    ) -> Result<(RestoreJobId, Job), ApiError> {
        let id = RestoreJobId::from_bytes(self.new_id());
        let fails = self.failing_jobs > 0;
        self.failing_jobs = self.failing_jobs.saturating_sub(1);
        let cluster = self.find(asked.project, asked.cluster, asked.through)?;
        let job = Job {
            snapshot: asked.snapshot,
            snapshot_finished: cluster.snapshot(asked.snapshot)?.finished,
            asked: call.now,
            takes,
            fails,
            cancelled: false,
            signatures,
            links_end,
            target: asked.target,
            target_project: asked.target_project,
        };
        cluster.jobs.insert(id, job.clone());
        Ok((id, job))
    }

    /// The links of a download that is ready.
    pub(crate) fn job_links(&self, job: &Job, now: Timestamp) -> Vec<SnapshotUrl> {
        if job.status(now) != RestoreStatus::Completed || job.expired(now) {
            return Vec::new();
        }
        let links = job.signatures.iter().map(|signature| {
            SnapshotUrl::new(&format!(
                "{}{}{}.tgz?signature={signature}",
                self.base_url,
                object_store::PREFIX,
                job.snapshot
            ))
        });
        links.collect()
    }
}

impl Job {
    /// `PENDING`, `QUEUED` and `RUNNING` share the time that the job takes.
    pub(crate) fn status(&self, now: Timestamp) -> RestoreStatus {
        let age = now.duration_since(self.asked);
        if age >= self.takes {
            if self.fails {
                RestoreStatus::Failed
            } else {
                RestoreStatus::Completed
            }
        } else if age * 10 < self.takes {
            RestoreStatus::Pending
        } else if age * 10 < self.takes * 3 {
            RestoreStatus::Queued
        } else {
            RestoreStatus::Running
        }
    }

    /// Its status as the world's page shows it, whatever kind of cluster it is of.
    pub(crate) fn shown_status(&self, now: Timestamp) -> String {
        if self.cancelled {
            "CANCELLED".to_owned()
        } else {
            self.status(now).to_string()
        }
    }

    /// What it is for, in one word.
    pub(crate) fn what(&self) -> &'static str {
        if self.is_download() {
            "download"
        } else {
            "restore"
        }
    }

    pub(crate) fn is_download(&self) -> bool {
        !self.signatures.is_empty()
    }

    /// When it ended, if it has.
    pub(crate) fn finished(&self, now: Timestamp) -> Option<Timestamp> {
        let end = later(self.asked, self.takes);
        (end <= now).then_some(end)
    }

    /// Whether its links have ended.
    pub(crate) fn expired(&self, now: Timestamp) -> bool {
        self.is_download() && self.links_end <= now
    }
}

/// A moment after another, or the last one there is.
pub(crate) fn later(moment: Timestamp, time: SignedDuration) -> Timestamp {
    moment.checked_add(time).unwrap_or(Timestamp::MAX)
}
