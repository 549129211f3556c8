//! Keeping a folder in an object store up to date with a cluster, by several runs at once.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use atlas_model::{ClusterName, ProjectId, SnapshotId};
use tokio::time::{Instant, sleep_until};

use super::claim::{Claim, Holding};
use super::folder::StoreFolder;
use super::lease::Taken;
use super::objects::Objects;
use super::storing::{LOOK, Storing};
use super::turn::Turn;
use super::{StoreTarget, Stored};
use crate::backups::Backups;
use crate::error::{Error, Scope};
use crate::folder::{Folder, file_name};
use crate::job::Place;
use crate::options::PullOptions;
use crate::progress::{Event, Progress, Reporter};
use crate::pull::{Pull, PullSummary, Pulled, PulledFile, present, removed_files};
use crate::retention::Retention;
use crate::retries::Retries;
use crate::snapshot::SnapshotView;

impl Backups {
    /// Does in an object store what [`pull`](Backups::pull) does in a local folder, with the same
    /// rules. The manifests and the catalogue are objects.
    ///
    /// Several runs, on several machines, share the work: before a run requests a download, it
    /// takes the lease of the snapshot, `<key>.part`. It skips snapshots whose lease another run
    /// holds, and waits for them at the end, up to the deadline of [`WaitPolicy`]. It takes over
    /// the work of a killed run: a lease expires when it was not renewed for a minute by the clock
    /// of the store, and its upload is resumed.
    ///
    /// An object counts as read if it has the tag that the catalogue recorded when it was stored or
    /// last read to its end. Any other object is read to its end before others are removed in favor
    /// of it.
    ///
    /// An object of another program under the name of a snapshot is never replaced: that snapshot
    /// fails with [`Error::Exists`]. These stores have no conditional removal: an object that
    /// another program writes under the same key between the last check and the removal is lost.
    ///
    /// # Errors
    /// As for [`pull`](Backups::pull), and [`Error::Store`]: an outage of this store ends the pull,
    /// too. Other failures of single snapshots are only passed to `report`.
    ///
    /// [`WaitPolicy`]: crate::WaitPolicy
    pub async fn pull_to_store(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        folder: &StoreFolder,
        options: &PullOptions,
        mut report: impl FnMut(Pulled) + Send,
        progress: impl FnMut(Event) + Send,
    ) -> Result<PullSummary, Error> {
        let progress = &Reporter::new(progress);
        let (retries, told) = Retries::watched(self.client(), options.download.patience);
        let storing = InStore {
            backups: self,
            folder,
            options,
            retries: &retries,
            progress,
        };
        let pulling = storing.pull(project, cluster, &mut report);
        told.tell(progress, Box::pin(pulling)).await
    }
}

/// A pull into a store.
#[derive(Clone, Copy)]
struct InStore<'a> {
    backups: &'a Backups,
    folder: &'a StoreFolder,
    options: &'a PullOptions,
    retries: &'a Retries,
    progress: Progress<'a>,
}

/// The result for a snapshot.
enum Outcome {
    Stored(Vec<Stored>),
    /// Another run has stored it.
    There,
    /// Another run holds its lease, for at least this long.
    Held(Duration),
}

impl InStore<'_> {
    async fn pull(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        report: &mut (dyn FnMut(Pulled) + Send),
    ) -> Result<PullSummary, Error> {
        let (place, listing) = self.backups.listed(project, cluster, self.retries).await?;
        let retention = Retention::new(&listing, self.options);
        let connection = self.folder.connection(self.retries);
        let listed = listing.snapshots.iter().map(|it| it.id);
        let held =
            Folder::empty("".as_ref(), project, cluster).of_cluster(place.cluster_id, listed);
        let (mut objects, mut damaged) = Objects::read(self.folder, connection, held).await?;
        // A folder for reports; the real one is lent to it.
        let held = Folder::empty("".as_ref(), project, cluster);
        let locate = |name: &Path| self.folder.url_of(&name.to_string_lossy()).into();
        let mut pull = Pull {
            held,
            failures: 0,
            report,
            locate: &locate,
        };
        if self.options.dry_run {
            std::mem::swap(&mut pull.held, &mut objects.held);
            let rests = objects.rests(&pull.held).into_iter();
            let rests = retention.rests(&pull.held, rests);
            pull.dry_run(damaged, rests, &retention);
            return Ok(retention.summary(&pull.held.held()));
        }
        if let Err(error) = objects.write_manifests().await {
            tracing::warn!(%error, "a manifest is missing; the catalogue has it");
        }
        let needed = retention.to_be_read(&objects.held.held());
        let all = self.options.verify;
        let is_needed = |snapshot| all || needed.contains(&snapshot);
        let (found, unread) = objects.check(is_needed, all, self.progress).await?;
        damaged.extend(found);
        let wanted = retention.wanted(&objects.held.held(), &damaged);
        let replaced = damaged.iter().map(|damage| damage.snapshot).collect();
        pull.report_damaged(damaged, &retention);
        for (snapshot, error) in unread {
            let taken = objects.held.taken(snapshot);
            pull.fail(snapshot, taken, error);
        }
        self.take_all(&place, wanted, &replaced, &mut objects, &mut pull)
            .await?;
        std::mem::swap(&mut pull.held, &mut objects.held);
        pull.report_others(&retention);
        let lone = pull.handle_lone(&retention);
        std::mem::swap(&mut pull.held, &mut objects.held);
        for path in lone {
            objects.remove_lone(&path).await?;
        }
        let rests_of = |objects: &Objects| {
            let rests = objects.rests(&objects.held).into_iter();
            retention.rests(&objects.held, rests)
        };
        if pull.failures == 0 {
            let whole = retention.to_be_removed(&objects.held.held());
            let rests = rests_of(&objects);
            let mut gone = rests.clone();
            gone.extend(&whole);
            if !gone.is_empty() {
                // First: a run that is killed while it removes objects leaves no list of removed ones.
                objects.write_catalogue_without(&gone, &rests).await?;
                // Listed again: another run may be storing a rest.
                let rests = rests_of(&objects);
                gone.retain(|it| whole.contains(it) || rests.contains(it));
            }
            for snapshot in gone {
                let taken = objects.held.taken(snapshot);
                match objects.remove(snapshot).await {
                    Ok(removed) => {
                        let told = removed_files(snapshot, taken, &removed, pull.locate);
                        if let Some(told) = told {
                            pull.tell(told);
                        }
                    }
                    Err(error) if error.scope() == Scope::All => return Err(error),
                    Err(error) => pull.fail(snapshot, taken, error),
                }
            }
        }
        let rests = rests_of(&objects);
        objects.write_catalogue(&rests).await?;
        self.sweep((project, cluster), &retention, &objects).await?;
        Ok(retention.summary(&objects.held.held()))
    }

    /// Removes what killed runs have left of snapshots that are complete by now, or that Atlas no
    /// longer lists.
    async fn sweep(
        &self,
        (project, cluster): (ProjectId, &ClusterName),
        retention: &Retention<'_>,
        objects: &Objects,
    ) -> Result<(), Error> {
        for name in objects.begun() {
            let target = self.folder.object(&name)?;
            let leasing = target.sweeping((project, cluster), self.retries);
            let is_needed =
                |id| retention.can_be_taken(id) && !objects.held.has(id) || !retention.is_whole();
            leasing.sweep(is_needed).await?;
        }
        Ok(())
    }

    /// Stores every missing snapshot; those that other runs hold come last.
    async fn take_all(
        &self,
        place: &Place<'_>,
        wanted: Vec<&SnapshotView>,
        replaced: &BTreeSet<SnapshotId>,
        objects: &mut Objects,
        pull: &mut Pull<'_>,
    ) -> Result<(), Error> {
        let mut queue: VecDeque<(&SnapshotView, Instant)> = VecDeque::new();
        for snapshot in wanted {
            if objects.held.has(snapshot.id) && !replaced.contains(&snapshot.id) {
                let present = present(&objects.held, snapshot.id, pull.locate);
                pull.tell(present);
            } else {
                queue.push_back((snapshot, Instant::now()));
            }
        }
        let brief = self.retries.brief();
        let mut is_doubtful = false;
        let mut turn = Turn::default();
        let end = Instant::now().checked_add(self.options.download.wait.deadline);
        while let Some((snapshot, not_before)) = queue.pop_front() {
            let (id, taken) = (snapshot.id, snapshot.taken);
            if end.is_some_and(|end| not_before > end) {
                let path = lease_of(self.folder, snapshot).into();
                pull.fail(id, taken, Error::Busy { path });
                continue;
            }
            if not_before > Instant::now() {
                turn.tell(&lease_of(self.folder, snapshot), self.progress);
            }
            sleep_until(not_before).await;
            let replace = replaced.contains(&id);
            let retries = if is_doubtful { &brief } else { self.retries };
            let storing = InStore { retries, ..*self };
            match storing.take(place, snapshot, replace, objects).await {
                Ok(Outcome::Stored(stored)) => {
                    is_doubtful = false;
                    turn = Turn::default();
                    objects.add(&stored);
                    pull.tell(Pulled::Downloaded {
                        snapshot: id,
                        taken,
                        bytes: stored.iter().map(|it| it.manifest.bytes).sum(),
                        files: stored
                            .into_iter()
                            .map(|it| PulledFile::new(it.url.into(), &it.manifest))
                            .collect(),
                    });
                    // The catalogue is correct after each step, in case this run is killed. The
                    // last write counts.
                    if let Err(error) = objects.write_catalogue(&[]).await {
                        tracing::warn!(%error, "the catalogue is not up to date");
                    }
                }
                Ok(Outcome::There) => {
                    let present = present(&objects.held, id, pull.locate);
                    pull.tell(present);
                }
                Ok(Outcome::Held(left)) => {
                    queue.push_back((snapshot, Instant::now() + left.min(LOOK)));
                }
                // The catalogue is correct, and nothing is removed.
                Err(error) if error.scope().is_of_all(&mut is_doubtful) => return Err(error),
                Err(error) => pull.fail(id, taken, error),
            }
        }
        Ok(())
    }

    async fn take(
        &self,
        place: &Place<'_>,
        snapshot: &SnapshotView,
        replace: bool,
        objects: &mut Objects,
    ) -> Result<Outcome, Error> {
        let target = &self
            .folder
            .object(&file_name(snapshot.taken, snapshot.id))?;
        let of = (place.project, place.cluster);
        let leasing = target.leasing(of, snapshot.id, self.retries);
        let claim: Arc<Claim> = match leasing.take().await? {
            Taken::Ours(claim) => Arc::new(claim),
            Taken::Held(left) => return Ok(Outcome::Held(left)),
        };
        let _holding = Holding(claim.clone());
        // Another run may have stored it since the folder was listed.
        if !replace && objects.look_again(snapshot.id).await? {
            claim.release().await;
            return Ok(Outcome::There);
        }
        let stored = self.store(place, snapshot, replace, target, &claim).await;
        claim.release().await;
        match stored {
            Ok(stored) => Ok(Outcome::Stored(stored)),
            // A request of a killed run may have been applied since.
            Err(_) if !replace && objects.look_again(snapshot.id).await? => Ok(Outcome::There),
            Err(error) => Err(error),
        }
    }

    async fn store(
        &self,
        place: &Place<'_>,
        snapshot: &SnapshotView,
        replace: bool,
        target: &StoreTarget,
        claim: &Arc<Claim>,
    ) -> Result<Vec<Stored>, Error> {
        if !replace {
            // Nothing is downloaded for a name that belongs to another program.
            let object = target.place(&target.url.key, &self.retries.brief());
            if let Some(leftover) = object.refuse_taken().await? {
                object.refuse(&leftover, |manifest| manifest.snapshot == snapshot.id)?;
            }
        }
        let options = self.options.download.clone().replace(replace);
        let how = Storing {
            target,
            options: &options,
            retries: self.retries,
            progress: self.progress,
        };
        self.backups
            .store_shards(place, snapshot, None, how, claim)
            .await
    }
}

/// The URL of the lease of a snapshot.
fn lease_of(folder: &StoreFolder, snapshot: &SnapshotView) -> String {
    let name = file_name(snapshot.taken, snapshot.id);
    folder.url_of(&format!("{name}.part"))
}
