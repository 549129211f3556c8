//! The response type of a user-defined operation cannot be read.

use atlas_model::{NoBody, Operation, OperationMeta, RequestWriter, Version};

struct Mine;

struct Answer;

impl Operation for Mine {
    const META: &'static OperationMeta = &OperationMeta::new(
        "mine",
        http::Method::GET,
        "/api/atlas/v2/mine",
        &[Version::new(2025, 3, 12)],
    );
    type Response = Answer;
    type Body = NoBody;

    fn encode(&self, _: &mut RequestWriter) {}
}

fn main() {}
