//! Restore jobs: their start, progress and links.

use atlas_model::api_error::code;
use atlas_model::shared::RestoreStatus;
use atlas_model::{ApiError, RestoreJobId, SnapshotId};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use crate::api::refuse;
use crate::backups::{Job, Progress};
use crate::find::Through;
use crate::object_store;
use crate::time::later;
use crate::world::Sandbox;

/// The values of a request for a restore job.
pub(crate) struct Asked<'a> {
    pub(crate) now: Timestamp,
    pub(crate) project: &'a str,
    pub(crate) cluster: &'a str,
    pub(crate) through: Through,
    pub(crate) snapshot: SnapshotId,
    pub(crate) delivery: &'static str,
    pub(crate) point: Option<(i64, i64)>,
    pub(crate) target: Option<String>,
    pub(crate) target_project: Option<String>,
}

impl Sandbox {
    /// Starts a download; its links expire `life` after they are ready.
    pub(crate) fn begin_download(
        &mut self,
        asked: Asked<'_>,
        life: SignedDuration,
    ) -> Result<(RestoreJobId, Job), ApiError> {
        let now = asked.now;
        let (pause, takes) = (self.download_pause, self.download_delay);
        let backups = self.find(asked.project, asked.cluster, asked.through)?;
        let snapshot = backups.snapshot(asked.snapshot)?;
        if snapshot.progress(now) != Progress::Completed {
            return Err(not_complete(asked.snapshot));
        }
        let files = snapshot.files.clone();
        let last = backups.last_download;
        if last.is_some_and(|last| now.duration_since(last) < pause) {
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                code::CANNOT_DOWNLOAD_SNAPSHOT_CONCURRENTLY,
                "Another download of this cluster's snapshots is under way.",
            ));
        }
        backups.last_download = Some(now);
        let links_end = later(later(now, takes), life);
        let signatures = files
            .into_iter()
            .map(|file| self.new_link(now, links_end, file));
        let signatures = signatures.collect();
        self.begin(asked, takes, signatures, links_end)
    }

    /// Starts a restore, which overwrites its target.
    pub(crate) fn begin_restore(
        &mut self,
        asked: Asked<'_>,
    ) -> Result<(RestoreJobId, Job), ApiError> {
        let backups = self.find(asked.project, asked.cluster, asked.through)?;
        let snapshot = backups.snapshot(asked.snapshot)?;
        if snapshot.progress(asked.now) != Progress::Completed {
            return Err(not_complete(asked.snapshot));
        }
        let target_project = asked.target_project.as_deref().unwrap_or(asked.project);
        if let Some(target) = &asked.target {
            match asked.through {
                Through::Backup => {
                    self.check_cluster(target_project, target, Through::Cluster)?;
                }
                // These snapshots can be restored into clusters of any kind.
                _ if !self.lives(target_project, target) => {
                    return Err(refuse::no_cluster(target, target_project));
                }
                _ => {}
            }
        }
        self.writes += 1;
        let takes = self.restore_time;
        self.begin(asked, takes, Vec::new(), Timestamp::MAX)
    }

    fn begin(
        &mut self,
        asked: Asked<'_>,
        takes: SignedDuration,
        signatures: Vec<String>,
        links_end: Timestamp,
    ) -> Result<(RestoreJobId, Job), ApiError> {
        let id = RestoreJobId::from_bytes(self.new_id());
        let fails = self.failing_jobs > 0;
        self.failing_jobs = self.failing_jobs.saturating_sub(1);
        let backups = self.find(asked.project, asked.cluster, asked.through)?;
        let job = Job {
            snapshot: asked.snapshot,
            snapshot_finished: backups.snapshot(asked.snapshot)?.finished,
            asked: asked.now,
            takes,
            fails,
            cancelled: false,
            delivery: asked.delivery,
            point: asked.point,
            signatures,
            links_end,
            target: asked.target,
            target_project: asked.target_project,
        };
        if backups.jobs.len() >= MOST_JOBS {
            // Ids ascend: the first one is the oldest.
            backups.jobs.pop_first();
        }
        backups.jobs.insert(id, job.clone());
        Ok((id, job))
    }

    /// The links of a download that is ready.
    pub(crate) fn job_links(&self, job: &Job, now: Timestamp) -> Vec<String> {
        if job.status(now) != RestoreStatus::Completed || job.expired(now) {
            return Vec::new();
        }
        let links = job.signatures.iter().map(|signature| {
            format!(
                "{}{}{}.tgz?signature={signature}",
                self.base_url,
                object_store::PREFIX,
                job.snapshot
            )
        });
        links.collect()
    }
}

/// The number of jobs of a cluster that are kept.
const MOST_JOBS: usize = 10_000;

/// The response of Atlas to an incomplete snapshot is not known; the code is the sandbox's own.
pub(crate) fn not_complete(snapshot: SnapshotId) -> ApiError {
    let detail = format!("Snapshot {snapshot} is not complete yet.");
    refuse::conflict("SNAPSHOT_NOT_COMPLETED", detail, &[&snapshot.to_string()])
}

impl Job {
    /// The status; `PENDING`, `QUEUED` and `RUNNING` share the duration of the job.
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

    /// The status as the page shows it, for every kind of cluster.
    pub(crate) fn shown_status(&self, now: Timestamp) -> String {
        if self.cancelled {
            "CANCELLED".to_owned()
        } else {
            self.status(now).to_string()
        }
    }

    /// The purpose of the job in one word.
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

    /// The time at which the job ended, if it has.
    pub(crate) fn finished(&self, now: Timestamp) -> Option<Timestamp> {
        let end = later(self.asked, self.takes);
        (end <= now).then_some(end)
    }

    /// Whether the links have expired.
    pub(crate) fn expired(&self, now: Timestamp) -> bool {
        self.is_download() && self.links_end <= now
    }
}
