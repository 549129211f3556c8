//! The path of a user-defined operation is not a template.

use atlas_model::{NoBody, Operation, OperationMeta, RequestWriter, Version};

struct Mine;

impl Operation for Mine {
    const META: &'static OperationMeta = &OperationMeta::new(
        "mine",
        http::Method::GET,
        "/api/atlas/v2/groups/{groupId",
        &[Version::new(2025, 3, 12)],
    );
    type Response = atlas_model::Empty;
    type Body = NoBody;

    fn encode(&self, _: &mut RequestWriter) {}
}

fn main() {
    let _ = Mine::META;
}
