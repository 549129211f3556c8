//! The names that this program gives to files of snapshots.

use std::ffi::OsStr;
use std::path::PathBuf;

use atlas_model::SnapshotId;
use jiff::Timestamp;

use crate::manifest::Manifest;
use crate::saving::of_shard;

/// `2026-05-04T094200Z-32b6e34b3d91647abb20e7b8.tgz`: sorts by time, and is a valid name on every
/// system.
pub(crate) fn file_name(taken: Option<Timestamp>, snapshot: SnapshotId) -> String {
    let taken = taken.map_or_else(
        || "undated".to_owned(),
        |taken| taken.strftime("%Y-%m-%dT%H%M%SZ").to_string(),
    );
    format!("{taken}-{snapshot}.tgz")
}

/// Whether a name is one that this program gives to a file or to its manifest.
pub(crate) fn is_given_name(name: &OsStr) -> bool {
    let stem = name.to_str().and_then(|name| {
        let name = name.strip_suffix(".json").unwrap_or(name);
        name.strip_suffix(".tgz")
    });
    let Some((taken, rest)) = stem.and_then(|stem| match stem.strip_prefix("undated-") {
        Some(rest) => Some((None, rest)),
        None => stem
            .split_once("Z-")
            .map(|(taken, rest)| (Some(taken), rest)),
    }) else {
        return false;
    };
    let is_time = |text| jiff::civil::DateTime::strptime("%Y-%m-%dT%H%M%S", text).is_ok();
    let (id, shard) = match rest.split_once('-') {
        Some((id, shard)) => (id, Some(shard)),
        None => (rest, None),
    };
    taken.is_none_or(is_time) && id.parse::<SnapshotId>().is_ok() && shard != Some("")
}

/// The name that this program gave to the file of a manifest.
pub(super) fn given_name(manifest: &Manifest) -> PathBuf {
    let name = PathBuf::from(file_name(manifest.taken(), manifest.snapshot));
    match &manifest.shard {
        Some(shard) => of_shard(&name, shard),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_name_is_told_from_others() {
        let id: SnapshotId = "32b6e34b3d91647abb20e7b8".parse().unwrap();
        let taken = "2026-05-04T09:42:00.5Z".parse().unwrap();
        for taken in [None, Some(taken)] {
            let name = file_name(taken, id);
            let of_shard = of_shard(&PathBuf::from(&name), "shard-0");
            for name in [&name, &format!("{name}.json"), of_shard.to_str().unwrap()] {
                assert!(is_given_name(name.as_ref()), "{name}");
            }
        }
        for name in [
            "",
            ".tgz",
            "catalogue.json",
            "snapshot.tgz",
            "undated-.tgz",
            "undated-32b6e34b3d91647abb20e7b8",
            "undated-32b6e34b3d91647abb20e7b.tgz",
            "undated-32b6e34b3d91647abb20e7b8-.tgz",
            "2026-05-04T094200Z-32b6e34b3d91647abb20e7b8.tgz.part",
            "2026-13-04T094200Z-32b6e34b3d91647abb20e7b8.tgz",
            "2026-05-04Z-32b6e34b3d91647abb20e7b8.tgz",
        ] {
            assert!(!is_given_name(name.as_ref()), "{name}");
        }
    }
}
