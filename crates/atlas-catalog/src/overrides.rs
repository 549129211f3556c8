//! The additions of `fixtures/api/overrides.json` to the facts.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::data;

/// The overrides that are used at run time, without their reasons.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Overrides {
    /// The roles that each role includes.
    pub(crate) roles: BTreeMap<String, Vec<String>>,
    /// For operations with a sunset date, the id of the one to use instead.
    pub(crate) successors: BTreeMap<String, String>,
}

pub(crate) static OVERRIDES: LazyLock<Overrides> = LazyLock::new(|| {
    serde_json::from_str(data::other_line()).expect("the embedded overrides fit their type")
});
