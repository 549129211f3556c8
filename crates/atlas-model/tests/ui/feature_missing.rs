//! The feature of the tag is not enabled.

use atlas_model::streams::GetStreamWorkspace;

fn main() {
    let _: Option<GetStreamWorkspace> = None;
}
