//! `pull --config`: a TOML file with several clusters, whose keys are the names of flags.

use std::path::{Path, PathBuf};

use atlas_transport::atlas_catalog::closest;
use serde::Deserialize;
use toml::de::{DeTable, DeValue};

use super::clusters::{Clusters, once_each};
use super::dir::Dir;
use super::rules::Rules;
use super::task::{Common, Task};
use crate::args::parsed;
use crate::failure::Failure;
use crate::global::Global;
use crate::read_file;
use crate::signals::blocking;

/// The largest file, in bytes.
const LIMIT: u64 = 1 << 20;

/// The keys of the file, and of a cluster in it.
const KEYS: [&str; 9] = [
    "cluster",
    "dir",
    "projectId",
    "keep",
    "keep-daily",
    "keep-weekly",
    "keep-monthly",
    "keep-at-least",
    "max-age",
];

/// The cluster of a table, and the folder of its files.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a table, such as [[cluster]]")]
struct Place {
    cluster_name: Option<String>,
    project_id: Option<String>,
    dir: Option<String>,
}

/// The tables of the clusters, each as a `T`.
#[derive(Debug, Deserialize)]
struct Tables<T> {
    #[serde(default = "Vec::new")]
    cluster: Vec<T>,
}

/// Reads the file.
pub(super) async fn read(
    path: &Path,
    common: &Common,
    global: &Global,
) -> Result<Clusters, Failure> {
    let path = path.to_owned();
    let (path, text) = blocking(move || match read_file::text(&path, LIMIT) {
        Ok(text) => Ok((path, text)),
        Err(error) => {
            let path = path.display();
            Err(Failure::File(format!("cannot read {path}: {error}")))
        }
    })
    .await?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let file = File { path, text };
    file.check_keys()?;
    let (all, rules): (Place, Rules) = (file.table()?, file.table()?);
    let places: Tables<Place> = file.table()?;
    let own: Tables<Rules> = file.table()?;
    let mut tasks = Vec::new();
    for (place, own) in places.cluster.into_iter().zip(own.cluster) {
        let name = place.cluster_name.clone().unwrap_or_default();
        let task = file.task(common, global, (&all, &rules), (place, own));
        tasks.push(task.map_err(|failure| match failure {
            Failure::Usage(line) if !name.is_empty() => {
                file.invalid(&format!("cluster {name}: {line}"))
            }
            failure => failure,
        })?);
    }
    if tasks.is_empty() {
        return Err(file.invalid("no cluster; add a [[cluster]] with a clusterName"));
    }
    once_each(&tasks).map_err(|problem| file.invalid(&problem))?;
    Ok(Clusters::Several(tasks))
}

struct File<'a> {
    path: PathBuf,
    text: &'a str,
}

impl File<'_> {
    fn invalid(&self, problem: &str) -> Failure {
        Failure::Usage(format!("{}: {problem}", self.path.display()))
    }

    fn invalid_at(&self, byte: usize, problem: &str) -> Failure {
        let (line, column) = read_file::position(self.text, byte);
        let path = self.path.display();
        Failure::Usage(format!("{path}:{line}:{column}: {problem}"))
    }

    fn broken(&self, error: &toml::de::Error) -> Failure {
        let at = error.span().map_or(0, |span| span.start);
        self.invalid_at(at, error.message())
    }

    fn table<'de, T: Deserialize<'de>>(&'de self) -> Result<T, Failure> {
        toml::from_str(self.text).map_err(|error| self.broken(&error))
    }

    /// Refuses keys that have no effect in their section.
    fn check_keys(&self) -> Result<(), Failure> {
        let table = DeTable::parse(self.text).map_err(|error| self.broken(&error))?;
        let table = table.get_ref();
        self.check(table, "clusterName")?;
        let clusters = table.get("cluster").map(toml::Spanned::get_ref);
        let Some(DeValue::Array(clusters)) = clusters else {
            return Ok(());
        };
        for cluster in clusters {
            if let DeValue::Table(table) = cluster.get_ref() {
                self.check(table, "cluster")?;
            }
        }
        Ok(())
    }

    fn check(&self, table: &DeTable<'_>, foreign: &str) -> Result<(), Failure> {
        let known: Vec<&str> = KEYS
            .into_iter()
            .chain(["clusterName"])
            .filter(|key| *key != foreign)
            .collect();
        for key in table.keys() {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                let close = closest(name, known.iter().copied());
                let close = match close.first() {
                    Some(close) => format!("; did you mean {close}?"),
                    None => format!("; expected one of {}", known.join(", ")),
                };
                let problem = format!("unknown key {name:?}{close}");
                return Err(self.invalid_at(key.span().start, &problem));
            }
        }
        Ok(())
    }

    fn task(
        &self,
        common: &Common,
        global: &Global,
        (all, shared): (&Place, &Rules),
        (place, own): (Place, Rules),
    ) -> Result<Task, Failure> {
        let name = place.cluster_name.unwrap_or_default();
        if name.is_empty() {
            let problem = "a [[cluster]] has no clusterName; add it";
            return Err(self.invalid(problem));
        }
        let cluster = parsed("clusterName", &name)?;
        let project = place.project_id.as_deref().or(all.project_id.as_deref());
        let project = common.project.clone().or(project).id(global)?;
        let dir = match (&place.dir, &all.dir) {
            (Some(own), _) => Dir::read("dir", own)?,
            (None, Some(all)) => Dir::read("dir", all)?.child(&cluster)?,
            (None, None) => {
                let problem = "no folder; add dir to the cluster, or at the start of the file";
                return Err(Failure::Usage(problem.to_owned()));
            }
        };
        // A cluster's own rules replace the shared ones; its max-age replaces only the shared max-age.
        let mut rules = if own.keeps_all() {
            shared.clone()
        } else {
            own.clone()
        };
        rules.max_age = own.max_age.or_else(|| shared.max_age.clone());
        Ok(Task {
            project,
            cluster,
            dir,
            options: common.options(&rules)?,
            max_age: rules.max_age()?,
        })
    }
}
