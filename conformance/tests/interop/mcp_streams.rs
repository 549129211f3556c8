//! Tests of the sandbox with the stream processing tools of MongoDB's MCP server.

use atlas_sandbox::{DEDICATED_CLUSTER, PROJECT};
use serde_json::{Value, json};

use super::mcp::McpServer;

const WORKSPACE: &str = "Streams0";

/// Calls a tool of one workspace with these arguments and returns its output.
fn call(mcp: &mut McpServer, tool: &str, arguments: &Value) -> Value {
    mcp.call(&format!("atlas-streams-{tool}"), &of_workspace(arguments))
}

fn of_workspace(arguments: &Value) -> Value {
    let mut all = json!({"projectId": PROJECT, "workspaceName": WORKSPACE});
    for (name, value) in arguments.as_object().unwrap() {
        all[name] = value.clone();
    }
    all
}

/// Returns the names in a list.
fn names(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap();
    list.iter().map(|it| it["name"].as_str().unwrap()).collect()
}

fn discover(mcp: &mut McpServer, action: &str, resource: &str) -> Value {
    let arguments = json!({"action": action, "resourceName": resource});
    call(mcp, "discover", &arguments)
}

/// Creates a private link, finds it in the network of the workspace, and returns its id.
fn private_link(mcp: &mut McpServer) -> String {
    let link = json!({
        "provider": "AWS", "vendor": "S3", "region": "us-east-1",
        "serviceEndpointId": "com.amazonaws.us-east-1.s3",
    });
    let link = json!({"resource": "privatelink", "privateLinkConfig": link});
    call(mcp, "build", &link);
    let networking = json!({
        "action": "get-networking", "cloudProvider": "aws", "region": "VIRGINIA_USA",
    });
    let network = call(mcp, "discover", &networking);
    let link = &network["privateLinks"][0];
    assert_eq!(link["vendor"], "S3", "{network}");
    assert!(network["accountDetails"].is_object(), "{network}");
    link["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_stream_processor_can_be_managed_with_the_tools_for_streams() {
    let Some(mut mcp) = McpServer::start() else {
        return;
    };
    let none = call(&mut mcp, "discover", &json!({"action": "list-workspaces"}));
    assert_eq!(none["workspaces"], json!([]));
    let workspace = json!({
        "resource": "workspace", "cloudProvider": "AWS", "region": "VIRGINIA_USA", "tier": "SP30",
    });
    call(&mut mcp, "build", &workspace);
    let cluster = json!({
        "resource": "connection", "connectionName": "sink", "connectionType": "Cluster",
        "connectionConfig": {"clusterName": DEDICATED_CLUSTER},
    });
    call(&mut mcp, "build", &cluster);
    let list = call(&mut mcp, "discover", &json!({"action": "list-connections"}));
    let connections = names(&list["connections"]);
    assert!(connections.contains(&"sink"), "{list}");
    assert!(connections.contains(&"sample_stream_solar"), "{list}");
    let inspected = call(
        &mut mcp,
        "discover",
        &json!({"action": "inspect-workspace"}),
    );
    let summary = &inspected["workspace"];
    assert_eq!(summary["region"], "AWS/VIRGINIA_USA", "{summary}");
    assert_eq!(summary["tier"], "SP30", "{summary}");
    assert_eq!(summary["connectionCount"], 2, "{summary}");
    let connection = discover(&mut mcp, "inspect-connection", "sink");
    assert_eq!(connection["connection"]["type"], "Cluster");
    assert_eq!(connection["connection"]["clusterName"], DEDICATED_CLUSTER);

    let pipeline = json!([
        {"$source": {"connectionName": "sample_stream_solar"}},
        {"$merge": {"into": {"connectionName": "sink", "db": "sample", "coll": "solar"}}},
    ]);
    let processor = json!({
        "resource": "processor", "processorName": "solar", "pipeline": pipeline,
        "dlq": {"connectionName": "sink", "db": "sample", "coll": "dead"},
    });
    call(&mut mcp, "build", &processor);
    let list = call(&mut mcp, "discover", &json!({"action": "list-processors"}));
    assert_eq!(names(&list["processors"]), ["solar"]);
    let created = discover(&mut mcp, "inspect-processor", "solar");
    assert_eq!(created["processorState"], "CREATED", "{created}");
    assert_eq!(created["pipeline"], pipeline);
    assert_eq!(created["dlq"]["coll"], "dead");

    for (action, state) in [
        ("start-processor", "STARTED"),
        ("stop-processor", "STOPPED"),
    ] {
        let arguments = json!({"action": action, "resourceName": "solar"});
        call(&mut mcp, "manage", &arguments);
        let seen = discover(&mut mcp, "diagnose-processor", "solar");
        assert_eq!(seen["processorState"], state, "{seen}");
        assert_eq!(seen["connectionHealth"].as_array().unwrap().len(), 2);
    }
    let modify = json!({
        "action": "modify-processor", "resourceName": "solar", "tier": "SP10", "newName": "sun",
    });
    assert_eq!(call(&mut mcp, "manage", &modify)["tier"], "SP10");
    let update = json!({"action": "update-workspace", "newTier": "SP10"});
    assert_eq!(call(&mut mcp, "manage", &update)["tier"], "SP10");
    let update = json!({"action": "update-workspace", "newRegion": "OREGON_USA"});
    assert_eq!(
        call(&mut mcp, "manage", &update)["region"],
        "AWS/OREGON_USA"
    );
    let config = json!({"clusterName": DEDICATED_CLUSTER});
    let update = json!({
        "action": "update-connection", "resourceName": "sink", "connectionConfig": config,
    });
    call(&mut mcp, "manage", &update);

    let link = private_link(&mut mcp);

    // There is no peering; only another account can create one.
    let peering = "0123456789abcdef01234567";
    let reject = of_workspace(&json!({"action": "reject-peering", "peeringId": peering}));
    let refused = mcp.refused("atlas-streams-manage", &reject);
    assert!(refused.contains("404"), "{refused}");

    for (resource, name) in [
        ("privatelink", link.as_str()),
        ("processor", "sun"),
        ("connection", "sink"),
    ] {
        let arguments = json!({"resource": resource, "resourceName": name});
        call(&mut mcp, "teardown", &arguments);
    }
    let removed = call(&mut mcp, "teardown", &json!({"resource": "workspace"}));
    assert_eq!(removed["processorsRemoved"], 0, "{removed}");
    assert_eq!(removed["connectionsRemoved"], 1, "{removed}");
    let none = call(&mut mcp, "discover", &json!({"action": "list-workspaces"}));
    assert_eq!(none["workspaces"], json!([]));
    let network = call(&mut mcp, "discover", &json!({"action": "get-networking"}));
    assert_eq!(network["privateLinks"], json!([]));
}
