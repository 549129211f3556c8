//! The versions of MongoDB that clusters of a project can have.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::behaviour::{Behaviour, documented};
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[documented("getGroupMongoDbVersions", list)];

/// The versions, each with its default status.
const VERSIONS: [(&str, &str); 2] = [("7.0", "NOT_DEFAULT"), ("8.0", "DEFAULT")];

/// The instance sizes of all providers.
const SIZES: [&str; 9] = [
    "M10", "M20", "M30", "M40", "M50", "M60", "M80", "M200", "R40",
];

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_project(call.path("groupId"))?;
    let mut all: Vec<Value> = Vec::new();
    for provider in ["AWS", "AZURE", "GCP"] {
        for size in SIZES {
            all.extend(VERSIONS.iter().map(|(version, status)| {
                json!({
                    "cloudProvider": provider,
                    "defaultStatus": status,
                    "instanceSize": size,
                    "version": version,
                })
            }));
        }
    }
    for field in ["cloudProvider", "instanceSize", "defaultStatus"] {
        if let Some(wanted) = call.query(field) {
            all.retain(|one| one[field] == wanted);
        }
    }
    Ok(Answer::list(all).unshaped())
}
