//! Several clusters in one run.

use std::collections::BTreeSet;

use atlas_backup::Backups;
use atlas_model::{ClusterName, ProjectId};
use clap::{Arg, ArgAction, ArgMatches};
use futures_util::{StreamExt as _, stream};

use super::Task;
use crate::failure::{Failure, say};
use crate::target::parsed;

/// How many clusters are worked on at the same time. Most of the time goes by waiting for Atlas; how
/// many connections there are is bounded over all of them.
const AT_ONCE: usize = 16;

/// Which clusters a run is about.
pub(super) enum Clusters {
    /// One, whose folder is the one that is named.
    One(ClusterName),
    /// Several, each with a folder in the one that is named.
    Several(Vec<ClusterName>),
    /// All of the project that have backups.
    All,
}

impl Clusters {
    pub(super) fn read(matches: &ArgMatches) -> Result<Self, Failure> {
        if matches.get_flag("allClusters") {
            return Ok(Self::All);
        }
        let names = matches.get_many::<String>("clusterName");
        let names = names.into_iter().flatten();
        let clusters: Result<Vec<ClusterName>, Failure> =
            names.map(|name| parsed("clusterName", name)).collect();
        let clusters = clusters?;
        let mut known = BTreeSet::new();
        if let Some(twice) = clusters.iter().find(|cluster| !known.insert(*cluster)) {
            return Err(Failure::Usage(format!(
                "--clusterName {twice} is given twice"
            )));
        }
        match &clusters[..] {
            [] => Err(Failure::Usage(
                "no cluster; give --clusterName or --all-clusters".to_owned(),
            )),
            [cluster] => Ok(Self::One(cluster.clone())),
            _ => Ok(Self::Several(clusters)),
        }
    }
}

/// The arguments of a command about one cluster, for several.
pub(super) fn arguments(one: [Arg; 2]) -> Vec<Arg> {
    let several = |argument: Arg| match argument.get_id().as_str() {
        "clusterName" => argument
            .action(ArgAction::Append)
            .value_delimiter(',')
            .help("The cluster; several with commas, or when given several times"),
        _ => argument,
    };
    let all = Arg::new("allClusters")
        .long("all-clusters")
        .action(ArgAction::SetTrue)
        .conflicts_with("clusterName")
        .help("Every dedicated and Flex cluster of the project that has backups; none of the shared tier");
    one.into_iter().map(several).chain([all]).collect()
}

/// Brings the folders of several clusters up to date.
pub(super) async fn pull(
    task: &Task,
    backups: &Backups,
    project: ProjectId,
    clusters: &[ClusterName],
) -> Result<(), Failure> {
    if clusters.is_empty() {
        say("the project has no cluster with backups");
        return match task.max_age {
            Some(_) => Err(Failure::Stale(None)),
            None => Ok(()),
        };
    }
    let pulls = clusters.iter().map(|cluster| async move {
        let pulled = match task.dir.child(cluster) {
            Ok(dir) => task.pull(backups, project, cluster, Some(&dir)).await,
            Err(failure) => Err(failure),
        };
        let failure = pulled.err()?;
        say(&format!("{cluster}: {failure}"));
        Some(failure.exit_code())
    });
    let codes: Vec<u8> = stream::iter(pulls)
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    match worst(&codes) {
        None => Ok(()),
        Some(code) => Err(Failure::Clusters {
            failed: codes.len(),
            of: clusters.len(),
            code,
        }),
    }
}

/// The exit code of the worst failure: a cluster of which nothing is known, then one of which some
/// snapshots failed, then one whose snapshots are too old.
fn worst(codes: &[u8]) -> Option<u8> {
    let is_better = |code: &u8| match code {
        12 => 2,
        11 => 1,
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
        assert_eq!(worst(&[11, 5, 12, 4]), Some(4));
    }
}
