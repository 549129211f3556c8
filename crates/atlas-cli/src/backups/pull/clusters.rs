//! Several clusters in one run.

use std::collections::BTreeSet;

use atlas_backup::Backups;
use atlas_model::{ClusterName, ProjectId};
use futures_util::{StreamExt as _, stream};
use serde_json::json;

use super::dir::Dir;
use super::rules::Rules;
use super::summary::{Shown, Total};
use super::task::{Common, Task};
use crate::args::parsed;
use crate::failure::Failure;
use crate::global::Global;
use crate::log;
use crate::output::Output;

/// How many clusters are processed concurrently. Most of the time is spent waiting for Atlas; the number
/// of connections is bounded over all of them.
const AT_ONCE: usize = 16;

/// The clusters of a run.
pub(super) enum Clusters {
    /// One cluster, whose folder is the named one.
    One(Task),
    /// Several clusters, each with its own folder.
    Several(Vec<Task>),
    /// All clusters of a project that have backups, which are not listed yet.
    All(AllClusters),
}

/// All clusters of a project that have backups.
pub(super) struct AllClusters {
    project: ProjectId,
    dir: Dir,
    task: Box<dyn Fn(ClusterName, Dir) -> Result<Task, Failure> + Send + Sync>,
}

/// The clusters that flags name.
pub(super) fn of_flags(
    names: &[String],
    dir: &str,
    rules: &Rules,
    common: &Common,
    global: &Global,
) -> Result<Clusters, Failure> {
    let dir = Dir::read("--dir", dir)?;
    let options = common.options(rules)?;
    let max_age = rules.max_age()?;
    let names: Result<Vec<ClusterName>, Failure> = names
        .iter()
        .map(|name| parsed("clusterName", name))
        .collect();
    let names = names?;
    let project = common.project.id(global)?;
    let task = move |cluster, dir| {
        Ok(Task {
            project,
            cluster,
            dir,
            options: options.clone(),
            max_age,
        })
    };
    match &names[..] {
        [] => Ok(Clusters::All(AllClusters {
            project,
            dir,
            task: Box::new(task),
        })),
        [cluster] => task(cluster.clone(), dir).map(Clusters::One),
        _ => {
            let tasks = names
                .into_iter()
                .map(|cluster| task(cluster.clone(), dir.child(&cluster)?));
            let tasks: Vec<Task> = tasks.collect::<Result<_, Failure>>()?;
            once_each(&tasks)
                .map_err(|problem| Failure::Usage(format!("--clusterName: {problem}")))?;
            Ok(Clusters::Several(tasks))
        }
    }
}

/// Refuses a cluster that is named twice, and a folder that two clusters share.
pub(super) fn once_each(tasks: &[Task]) -> Result<(), String> {
    let (mut clusters, mut folders) = (BTreeSet::new(), BTreeSet::new());
    for task in tasks {
        if !clusters.insert((task.project, &task.cluster)) {
            return Err(format!("cluster {} is named twice", task.cluster));
        }
        if !folders.insert(task.dir.identity()) {
            let dir = task.dir.shown();
            return Err(format!(
                "two clusters have the same folder, {}",
                dir.display()
            ));
        }
    }
    Ok(())
}

impl Clusters {
    /// A folder of the run, for a signal to wait for its uploads.
    pub(super) fn store(&self) -> Option<&Dir> {
        match self {
            Self::One(task) => Some(&task.dir),
            Self::Several(tasks) => tasks.first().map(|task| &task.dir),
            Self::All(all) => Some(&all.dir),
        }
    }

    /// Lists the clusters of the project, unless they are named.
    pub(super) async fn find(&mut self, backups: &Backups) -> Result<(), Failure> {
        if let Self::All(all) = self {
            let clusters = backups.clusters(all.project).await?;
            let tasks = clusters
                .into_iter()
                .map(|cluster| (all.task)(cluster.clone(), all.dir.child(&cluster)?));
            *self = Self::Several(tasks.collect::<Result<_, Failure>>()?);
        }
        Ok(())
    }

    /// The clusters that are known.
    pub(super) fn all(&self) -> &[Task] {
        match self {
            Self::One(task) => std::slice::from_ref(task),
            Self::Several(tasks) => tasks,
            Self::All(_) => &[],
        }
    }
}

/// Brings the folders of several clusters up to date.
pub(super) async fn pull(
    tasks: &[Task],
    backups: &Backups,
    output: &Output,
    shown: Shown,
    has_max_age: bool,
) -> Result<(), Failure> {
    if tasks.is_empty() {
        log::problem("the project has no cluster with backups");
        return if has_max_age {
            Err(Failure::Stale(None))
        } else {
            Ok(())
        };
    }
    let total = Total::default();
    let pulls = tasks.iter().map(|task| {
        let total = &total;
        async move {
            let pulled = task.pull(backups, output, shown, Some(total)).await;
            let failure = pulled.err()?;
            let cluster = task.cluster.as_str();
            let fields = json!({"clusterName": cluster, "exitCode": failure.exit_code()});
            log::failed(&format!("{cluster}: {failure}"), fields);
            Some(failure.exit_code())
        }
    });
    let codes: Vec<u8> = stream::iter(pulls)
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    total.finish(tasks.len(), codes.len(), output, shown)?;
    match worst(&codes) {
        None => Ok(()),
        Some(code) => Err(Failure::Clusters {
            failed: codes.len(),
            of: tasks.len(),
            code,
        }),
    }
}

/// The exit code of the worst failure: one that needs attention, then a transient one, then a cluster
/// of which some snapshots failed, then one whose snapshots are too old.
fn worst(codes: &[u8]) -> Option<u8> {
    let is_better = |code: &u8| match code {
        12 => 3,
        11 => 2,
        5 | 14 | 15 => 1,
        _ => 0,
    };
    codes
        .iter()
        .copied()
        .min_by_key(|code| (is_better(code), *code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_failure_decides_whatever_came_first() {
        assert_eq!(worst(&[]), None);
        assert_eq!(worst(&[12]), Some(12));
        assert_eq!(worst(&[12, 11, 12]), Some(11));
        assert_eq!(worst(&[11, 15, 12]), Some(15));
        assert_eq!(worst(&[11, 5, 12, 4]), Some(4));
    }
}
