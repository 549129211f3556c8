//! The regions of cloud providers, by instance size.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::behaviour::{Behaviour, recorded};
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[recorded("listGroupClusterProviderRegions", list)];

/// Some regions of each provider; the first one is its default.
const REGIONS: [(&str, [&str; 6]); 3] = [
    (
        "AWS",
        [
            "US_EAST_1",
            "US_EAST_2",
            "US_WEST_2",
            "EU_WEST_1",
            "EU_CENTRAL_1",
            "AP_SOUTHEAST_1",
        ],
    ),
    (
        "AZURE",
        [
            "US_EAST_2",
            "US_WEST_2",
            "US_CENTRAL",
            "EUROPE_NORTH",
            "EUROPE_WEST",
            "ASIA_EAST",
        ],
    ),
    (
        "GCP",
        [
            "CENTRAL_US",
            "EASTERN_US",
            "WESTERN_US",
            "WESTERN_EUROPE",
            "EUROPE_NORTH_1",
            "SOUTHEASTERN_ASIA_PACIFIC",
        ],
    ),
];

/// The instance sizes of all providers.
const SIZES: [&str; 9] = [
    "M0", "M10", "M20", "M30", "M40", "M50", "M60", "M80", "M200",
];

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_project(call.path("groupId"))?;
    let asked = |name: &str, value: &str| {
        let mut values = call
            .query
            .iter()
            .filter(|(known, _)| known == name)
            .peekable();
        values.peek().is_none() || values.any(|(_, asked)| asked.eq_ignore_ascii_case(value))
    };
    let providers = REGIONS
        .iter()
        .filter(|(provider, _)| asked("providers", provider));
    let providers = providers.map(|(provider, regions)| {
        let regions = regions.iter().enumerate();
        let regions = regions.map(|(index, name)| json!({"default": index == 0, "name": name}));
        let regions: Vec<Value> = regions.collect();
        let sizes = SIZES.iter().filter(|size| asked("tier", size));
        let sizes = sizes.map(|size| json!({"availableRegions": regions, "name": size}));
        json!({"instanceSizes": sizes.collect::<Vec<_>>(), "provider": provider})
    });
    Ok(Answer::list(providers.collect()).unshaped())
}
