//! Sends a custom operation, declared here with only the fields that it needs.
//!
//! `cargo run -p atlas-transport --example own_operation -- PROJECT_ID CLUSTER_NAME`,
//! with the credentials in the environment. In a program of your own, it also needs `serde` with the
//! feature `derive`.

use atlas_model::{NoBody, Operation, OperationMeta, ProjectId, RequestWriter, Version};
use atlas_transport::Credentials;
use atlas_transport::http::Method;
use serde::Deserialize;

/// `GET …/flexClusters/{name}`, reading only the state.
struct GetFlexState {
    project: ProjectId,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FlexState {
    state_name: Option<String>,
}

impl Operation for GetFlexState {
    const META: &'static OperationMeta = &OperationMeta::new(
        "getGroupFlexCluster",
        Method::GET,
        "/api/atlas/v2/groups/{groupId}/flexClusters/{name}",
        &[Version::new(2024, 11, 13)],
    );
    type Response = FlexState;
    type Body = NoBody;

    fn encode(&self, out: &mut RequestWriter) {
        out.path("groupId", &self.project);
        out.path("name", &self.name);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let operation = GetFlexState {
        project: arguments.next().ok_or("which project?")?.parse()?,
        name: arguments.next().ok_or("which cluster?")?,
    };
    let client = Credentials::from_env()?.client_builder().build()?;
    let state = client.send(&operation).await?.into_inner();
    println!("{}", state.state_name.unwrap_or_default());
    Ok(())
}
