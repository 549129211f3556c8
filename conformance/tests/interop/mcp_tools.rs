//! Tests of the sandbox with the Atlas tools of MongoDB's MCP server.

use atlas_sandbox::{CLUSTER, DEDICATED_CLUSTER, FLEX_CLUSTER, PROJECT, SHARDED_CLUSTER};
use serde_json::{Value, json};

use super::mcp::McpServer;

/// All Atlas tools. The tests of this file call each.
const TOOLS: [&str; 22] = [
    "atlas-connect-cluster",
    "atlas-create-access-list",
    "atlas-create-cluster",
    "atlas-create-db-user",
    "atlas-create-free-cluster",
    "atlas-create-project",
    "atlas-get-performance-advisor",
    "atlas-get-regions",
    "atlas-inspect-access-list",
    "atlas-inspect-cluster",
    "atlas-list-alerts",
    "atlas-list-clusters",
    "atlas-list-db-users",
    "atlas-list-orgs",
    "atlas-list-projects",
    "atlas-load-sample-dataset",
    "atlas-pause-resume-cluster",
    "atlas-streams-build",
    "atlas-streams-discover",
    "atlas-streams-manage",
    "atlas-streams-teardown",
    "atlas-upgrade-cluster",
];

/// The request with which the server looks up its own address. It is not part of the API; on an error, the server
/// leaves the access list unchanged.
const OWN_ADDRESS: &str = "GET /api/private/ipinfo";

/// Returns the item of a list with this name.
fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let list = list.as_array().unwrap();
    let found = list
        .iter()
        .find(|it| it["name"] == name || it["clusterName"] == name);
    found.unwrap_or_else(|| panic!("{name} in {list:?}"))
}

/// Asserts that no request in a log failed, except those with one of these paths.
fn succeeded(log: &[String], apart_from: &[&str]) {
    let failed = |line: &&String| {
        let expected = apart_from.iter().any(|path| line.contains(path));
        !line.starts_with('2') && !expected
    };
    let failed: Vec<_> = log.iter().filter(failed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Whether a log has a request with this method whose path has this end.
fn has(log: &[String], method: &str, end: &str) -> bool {
    let requests = log.iter().map(|line| line.split_once(' ').unwrap().1);
    requests
        .map(|request| request.split('?').next().unwrap())
        .any(|request| request.starts_with(method) && request.ends_with(end))
}

#[test]
fn the_tests_list_every_tool_for_atlas() {
    let Some(mut mcp) = McpServer::start() else {
        return;
    };
    assert_eq!(mcp.atlas_tools(), TOOLS);
}

#[test]
fn tools_that_read_show_the_default_world() {
    let Some(mut mcp) = McpServer::start() else {
        return;
    };
    let project = json!({"projectId": PROJECT});
    let of = |cluster: &str| json!({"projectId": PROJECT, "clusterName": cluster});

    let orgs = mcp.call("atlas-list-orgs", &json!({"includeCount": true}));
    assert_eq!(orgs["totalCount"], 1);
    let org = &orgs["organizations"][0]["id"];
    for arguments in [json!({}), json!({"orgId": org})] {
        let projects = mcp.call("atlas-list-projects", &arguments);
        assert_eq!(projects["projects"][0]["id"], PROJECT);
        assert_eq!(projects["projects"][0]["orgId"], *org);
        assert_ne!(projects["projects"][0]["created"], "N/A");
    }

    let everywhere = mcp.call("atlas-list-clusters", &json!({}));
    assert_eq!(everywhere["totalCount"], 4);
    assert_eq!(
        named(&everywhere["clusters"], CLUSTER)["projectId"],
        PROJECT
    );
    let clusters = mcp.call("atlas-list-clusters", &project);
    assert_eq!(clusters["totalCount"], 4);
    for (name, tier, size, provider) in [
        // M0 is the only tenant size that the server knows.
        (CLUSTER, "DEDICATED", "M2", "TENANT"),
        (FLEX_CLUSTER, "FLEX", "N/A", "AWS"),
        (DEDICATED_CLUSTER, "DEDICATED", "M10", "AWS"),
        (SHARDED_CLUSTER, "DEDICATED", "M30", "AWS"),
    ] {
        let listed = named(&clusters["clusters"], name);
        assert_eq!(listed["instanceType"], tier, "{listed}");
        assert_eq!(listed["state"], "IDLE", "{listed}");
        assert!(
            !listed["processIds"].as_array().unwrap().is_empty(),
            "{listed}"
        );
        let cluster = mcp.call("atlas-inspect-cluster", &of(name));
        assert_eq!(cluster["name"], name);
        assert_eq!(cluster["instanceType"], tier, "{cluster}");
        assert_eq!(cluster["instanceSize"], size, "{cluster}");
        assert_eq!(cluster["provider"], provider, "{cluster}");
        assert_eq!(cluster["region"], "US_EAST_1", "{cluster}");
        assert_eq!(cluster["paused"], false);
        assert_eq!(cluster["state"], "IDLE");
        let strings = &cluster["connectionStrings"];
        let srv = strings["standardSrv"].as_str().unwrap();
        assert!(srv.starts_with("mongodb+srv://"), "{srv}");
    }
    let missing = mcp.refused("atlas-inspect-cluster", &of("Missing0"));
    assert!(
        missing.contains("404") && missing.contains("Missing0"),
        "{missing}"
    );

    for status in ["OPEN", "TRACKING", "CLOSED"] {
        let arguments = json!({"projectId": PROJECT, "status": status, "includeCount": true});
        let alerts = mcp.call("atlas-list-alerts", &arguments);
        for alert in alerts["alerts"].as_array().unwrap() {
            assert_eq!(alert["status"], status);
        }
    }
    let advice = mcp.call("atlas-get-performance-advisor", &of(DEDICATED_CLUSTER));
    for part in ["suggestedIndexes", "slowQueryLogs", "schemaSuggestions"] {
        assert!(advice[part].is_array(), "{advice}");
    }
    let regions = mcp.call("atlas-get-regions", &json!({"provider": "AWS"}));
    assert_eq!(
        named(&regions["regions"], "US_EAST_1")["location"],
        "Northern Virginia, USA"
    );
    mcp.call("atlas-inspect-access-list", &project);
    mcp.call("atlas-list-db-users", &project);

    // The tool for advice shows failed requests as empty results.
    let log = mcp.stop();
    for end in [
        "suggestedIndexes",
        "dropIndexSuggestions",
        "schemaAdvice",
        "slowQueryLogs",
    ] {
        assert!(has(&log, "GET", end), "{end} in {log:#?}");
    }
    let flex = format!("404 GET /api/atlas/v2/groups/{PROJECT}/flexClusters/Missing0");
    // A Flex cluster is first requested as a dedicated one.
    let other = format!("/groups/{PROJECT}/clusters/{FLEX_CLUSTER}");
    succeeded(&log, &[&flex, "clusters/Missing0", &other]);
}

#[test]
fn tools_read_the_resources_that_they_created() {
    let Some(mut mcp) = McpServer::start() else {
        return;
    };
    let orgs = mcp.call("atlas-list-orgs", &json!({}));
    let created = json!({"projectName": "Shop", "orgId": orgs["organizations"][0]["id"]});
    mcp.call("atlas-create-project", &created);
    let projects = mcp.call("atlas-list-projects", &json!({}));
    let project = named(&projects["projects"], "Shop")["id"].clone();
    let of = |cluster: &str| json!({"projectId": project, "clusterName": cluster});
    let again = mcp.refused("atlas-create-project", &created);
    assert!(again.contains("409"), "{again}");

    let entries = json!({
        "projectId": project, "comment": "office",
        "ipAddresses": ["192.0.2.7"], "cidrBlocks": ["198.51.100.0/24"],
    });
    mcp.call("atlas-create-access-list", &entries);
    let list = mcp.call("atlas-inspect-access-list", &json!({"projectId": project}));
    let listed = list["entries"].as_array().unwrap();
    let office = listed.iter().filter(|entry| entry["comment"] == "office");
    assert_eq!(office.count(), 2, "{list}");
    let blocks = listed.iter().map(|entry| &entry["cidrBlock"]);
    assert!(
        blocks.clone().any(|block| block == "198.51.100.0/24"),
        "{list}"
    );

    let user = json!({
        "projectId": project, "username": "ada", "password": "fake-password", "clusters": ["Free0"],
        "roles": [{"roleName": "read", "databaseName": "sample", "collectionName": "people"}],
    });
    mcp.call("atlas-create-db-user", &user);
    let users = mcp.call("atlas-list-db-users", &json!({"projectId": project}));
    assert_eq!(users["users"][0]["username"], "ada");
    assert_eq!(users["users"][0]["roles"], user["roles"]);
    assert_eq!(
        users["users"][0]["scopes"],
        json!([{"type": "CLUSTER", "name": "Free0"}])
    );

    let free = json!({"projectId": project, "name": "Free0"});
    mcp.call("atlas-create-free-cluster", &free);
    assert_eq!(
        becomes_idle(&mut mcp, &of("Free0"), "CREATING")["instanceType"],
        "FREE"
    );
    let dedicated = json!({
        "projectId": project, "clusterName": "Big0", "provider": "AWS", "regions": ["EU_WEST_1"],
    });
    let made = mcp.call("atlas-create-cluster", &dedicated);
    assert_eq!(made["instanceSize"], "M10", "{made}");
    assert_eq!(made["encryptionAtRestProvider"], "NONE", "{made}");
    let big = becomes_idle(&mut mcp, &of("Big0"), "CREATING");
    assert_eq!(big["instanceSize"], "M10", "{big}");
    assert_eq!(big["region"], "EU_WEST_1", "{big}");
    let listed = mcp.call("atlas-list-clusters", &json!({"projectId": project}));
    assert_eq!(
        named(&listed["clusters"], "Big0")["clusterId"],
        made["clusterId"]
    );

    let load = mcp.call("atlas-load-sample-dataset", &of("Big0"));
    let job = json!({"projectId": project, "jobId": load["jobId"]});
    let seen = mcp.call("atlas-load-sample-dataset", &job);
    assert_eq!(seen["clusterName"], "Big0");
    assert_eq!(seen["createDate"], load["createDate"]);
    mcp.advance(600);
    let seen = mcp.call("atlas-load-sample-dataset", &job);
    assert_eq!(seen["state"], "COMPLETED", "{seen}");
    assert!(seen.get("errorMessage").is_none(), "{seen}");

    let log = mcp.stop();
    succeeded(&log, &[OWN_ADDRESS, "409 POST"]);
}

#[test]
fn tools_that_change_clusters_see_them_idle_again() {
    let Some(mut mcp) = McpServer::start() else {
        return;
    };
    let of = |cluster: &str| json!({"projectId": PROJECT, "clusterName": cluster});
    for (action, paused) in [("PAUSE", true), ("RESUME", false)] {
        let mut arguments = of(DEDICATED_CLUSTER);
        arguments["action"] = action.into();
        mcp.call("atlas-pause-resume-cluster", &arguments);
        let cluster = becomes_idle(&mut mcp, &of(DEDICATED_CLUSTER), "UPDATING");
        assert_eq!(cluster["paused"], paused, "{cluster}");
    }
    let mut larger = of(DEDICATED_CLUSTER);
    larger["targetTier"] = "M30".into();
    let scaled = mcp.call("atlas-upgrade-cluster", &larger);
    assert_eq!(scaled["originalTier"], "M10", "{scaled}");
    assert_eq!(
        becomes_idle(&mut mcp, &of(DEDICATED_CLUSTER), "UPDATING")["instanceSize"],
        "M30"
    );
    let free = json!({"projectId": PROJECT, "name": "Free0"});
    mcp.call("atlas-create-free-cluster", &free);
    becomes_idle(&mut mcp, &of("Free0"), "CREATING");
    let upgraded = mcp.call("atlas-upgrade-cluster", &of("Free0"));
    assert_eq!(upgraded["targetTier"], "FLEX", "{upgraded}");
    mcp.advance(1800);
    let flex = mcp.call("atlas-inspect-cluster", &of("Free0"));
    assert_eq!(flex["instanceType"], "FLEX", "{flex}");
    assert_eq!(flex["state"], "IDLE", "{flex}");

    let other = format!("/groups/{PROJECT}/clusters/Free0");
    succeeded(&mcp.stop(), &[OWN_ADDRESS, &other]);
}

/// Asserts that a cluster is in this state, and advances the clock until it is idle.
fn becomes_idle(mcp: &mut McpServer, cluster: &Value, from: &str) -> Value {
    let first = mcp.call("atlas-inspect-cluster", cluster);
    assert_eq!(first["state"], from, "{first}");
    for _ in 0..60 {
        mcp.advance(60);
        let answer = mcp.call("atlas-inspect-cluster", cluster);
        if answer["state"] == "IDLE" {
            return answer;
        }
    }
    panic!("{cluster} did not become idle");
}

/// Without a database, the tool for connections responds after half a minute.
#[test]
fn a_connection_creates_a_temporary_user_and_removes_it() {
    let Some(mut mcp) = McpServer::start() else {
        return;
    };
    let mut private = json!({"projectId": PROJECT, "clusterName": DEDICATED_CLUSTER});
    let users = json!({"projectId": PROJECT});
    private["connectionType"] = "privateEndpoint".into();
    let missing = mcp.refused("atlas-connect-cluster", &private);
    assert!(missing.contains("not available"), "{missing}");
    let before = mcp.call("atlas-list-db-users", &users)["totalCount"].clone();

    private["connectionType"] = "standard".into();
    let connecting = mcp.call("atlas-connect-cluster", &private);
    assert_eq!(connecting["state"], "connecting", "{connecting}");
    assert_eq!(connecting["createdTemporaryUser"], true);
    let during = mcp.call("atlas-list-db-users", &users);
    let during = during["users"].as_array().unwrap();
    let temporary = during.iter().find(|user| {
        let name = user["username"].as_str().unwrap();
        name.starts_with("mcpUser")
    });
    let scope = json!([{"type": "CLUSTER", "name": DEDICATED_CLUSTER}]);
    assert_eq!(temporary.unwrap()["scopes"], scope);

    let connection = json!({"connectionId": connecting["connectionId"]});
    mcp.call("disconnect", &connection);
    let after = mcp.call("atlas-list-db-users", &users);
    assert_eq!(after["totalCount"], before);
    succeeded(&mcp.stop(), &[OWN_ADDRESS]);
}
