//! A body is written as a literal, which a new field would break.

use atlas_model::flex_clusters::FlexClusterDescriptionUpdate;

fn main() {
    let _ = FlexClusterDescriptionUpdate {
        termination_protection_enabled: Some(true),
        ..FlexClusterDescriptionUpdate::default()
    };
}
