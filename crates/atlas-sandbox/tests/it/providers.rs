//! Resources of projects and organizations at other providers: federated databases, streams,
//! networks, invoices.

use atlas_sandbox::{DEDICATED_CLUSTER, ORG, OWNER, PROJECT, READER};
use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::services::World;
use crate::world::now;

#[test]
fn a_federated_database_has_what_was_recorded_and_goes_with_its_limits() {
    let mut world = World::new();
    let (status, made) =
        world.of_project(Method::POST, "/dataFederation", &json!({"name": "Lake0"}));
    assert_eq!((status, &made["state"]), (200, &json!("ACTIVE")));
    assert_eq!(made["storage"], json!({"databases": null, "stores": null}));
    assert_eq!(made["dataProcessRegion"], Value::Null);
    assert_eq!(made["privateEndpointHostnames"], json!([]));
    assert_eq!(world.get_of_project("/dataFederation"), json!([made]));

    let limit = "/dataFederation/Lake0/limits/bytesProcessed.query";
    let (status, set) = world.of_project(Method::PATCH, limit, &json!({"value": 118_000}));
    assert_eq!((status, &set["currentUsage"]), (200, &json!(0)));
    assert_eq!(
        (&set["tenantName"], &set["value"]),
        (&json!("Lake0"), &json!(118_000))
    );
    let limits = world.get_of_project("/dataFederation/Lake0/limits");
    assert_eq!(limits, json!([set]));

    let gone = world.of_project(Method::DELETE, "/dataFederation/Lake0", &Value::Null);
    assert_eq!(gone, (202, json!({})));
    let (status, error) = world.of_project(Method::DELETE, "/dataFederation/Lake0", &Value::Null);
    assert_eq!(status, 404);
    assert_eq!(
        error["errorCode"],
        "DATA_FEDERATION_TENANT_NOT_FOUND_FOR_NAME"
    );
    assert_eq!(error["parameters"], json!([PROJECT, "Lake0"]));
}

#[test]
fn streams_show_states_where_atlas_does() {
    let mut world = World::new();
    let region = json!({"cloudProvider": "AWS", "region": "VIRGINIA_USA"});
    let body = json!({"name": "Streams0", "dataProcessRegion": region});
    let (status, made) = world.of_project(Method::POST, "/streams", &body);
    assert_eq!(status, 200);
    assert!(
        made.get("state").is_none() && made.get("connections").is_none(),
        "{made}"
    );
    assert_eq!(made["hostnames"].as_array().unwrap().len(), 1);

    let region = json!({"cloudProvider": "AWS", "region": "DUBLIN_IRL"});
    let (_, moved) = world.of_project(Method::PATCH, "/streams/Streams0", &region);
    assert_eq!(moved["dataProcessRegion"], region);
    assert!(moved.get("region").is_none(), "{moved}");
    let back = json!({"cloudProvider": "AWS", "region": "VIRGINIA_USA"});
    world.of_project(Method::PATCH, "/streams/Streams0", &back);

    let kafka = json!({
        "authentication": {"mechanism": "PLAIN", "password": "hidden", "username": "user"},
        "bootstrapServers": "kafka.example:9092",
        "name": "Kafka0",
        "type": "Kafka",
    });
    let (_, made) = world.of_project(Method::POST, "/streams/Streams0/connections", &kafka);
    assert_eq!(
        (&made["state"], &made["region"]),
        (&json!("READY"), &json!("VIRGINIA_USA"))
    );
    assert!(!made.to_string().contains("hidden"), "{made}");
    let path = "/streams/Streams0/connections/Kafka0";
    let change = json!({"bootstrapServers": "other.example:9092", "type": "Kafka"});
    let (_, changed) = world.of_project(Method::PATCH, path, &change);
    assert!(changed.get("state").is_none(), "{changed}");
    assert_eq!(
        world.get_of_project(path)["bootstrapServers"],
        "other.example:9092"
    );

    let link = json!({"provider": "AWS", "region": "US_EAST_2"});
    let (_, made) = world.of_project(Method::POST, "/streams/privateLinkConnections", &link);
    assert!(made.get("state").is_none(), "{made}");
    let path = format!(
        "/streams/privateLinkConnections/{}",
        made["_id"].as_str().unwrap()
    );
    assert_eq!(world.get_of_project(&path)["state"], "IDLE");

    let processor = json!({"name": "P0", "pipeline": [{"$source": {"connectionName": "Kafka0"}}]});
    world.of_project(Method::POST, "/streams/Streams0/processor", &processor);
    for (verb, state) in [("", "CREATED"), (":start", "STARTED"), (":stop", "STOPPED")] {
        let path = format!("/streams/Streams0/processor/P0{verb}");
        if !verb.is_empty() {
            assert_eq!(
                world.of_project(Method::POST, &path, &json!({})).0,
                200,
                "{path}"
            );
        }
        let all = world.get_of_project("/streams/Streams0/processors");
        assert_eq!(all["results"][0]["state"], state);
    }
    let gone = world.of_project(Method::DELETE, "/streams/Streams0", &Value::Null);
    assert_eq!(gone, (202, json!({})));
}

#[test]
fn roles_of_cloud_providers_are_listed_by_provider_until_they_are_taken_back() {
    let mut world = World::new();
    let aws = json!({"providerName": "AWS"});
    let (_, role) = world.of_project(Method::POST, "/cloudProviderAccess", &aws);
    for name in ["authorizedDate", "iamAssumedRoleArn"] {
        assert_eq!(role.get(name), Some(&Value::Null), "{role}");
    }
    let path = format!("/cloudProviderAccess/{}", role["roleId"].as_str().unwrap());
    let arn = "arn:aws:iam::123456789012:role/test";
    let arn = json!({"providerName": "AWS", "iamAssumedRoleArn": arn});
    let (_, authorized) = world.of_project(Method::PATCH, &path, &arn);
    assert!(authorized["authorizedDate"].is_string(), "{authorized}");
    let list = world.get_of_project("/cloudProviderAccess");
    assert_eq!(list["awsIamRoles"], json!([authorized]));
    assert_eq!(list["gcpServiceAccounts"], json!([]));
    for (provider, expected) in [("GCP", 404), ("AWS", 204), ("AWS", 404)] {
        let id = role["roleId"].as_str().unwrap();
        let path = format!("/cloudProviderAccess/{provider}/{id}");
        assert_eq!(
            world.of_project(Method::DELETE, &path, &Value::Null).0,
            expected
        );
    }
}

#[test]
fn a_peering_connection_becomes_available_and_is_deleted_over_time() {
    let mut world = World::new();
    let container =
        json!({"providerName": "AWS", "regionName": "US_EAST_1", "atlasCidrBlock": "10.8.0.0/21"});
    let (_, container) = world.of_project(Method::POST, "/containers", &container);
    assert_eq!(container["provisioned"], false);
    let peer = json!({
        "accepterRegionName": "us-east-1",
        "awsAccountId": "123456789012",
        "containerId": container["id"],
        "providerName": "AWS",
        "routeTableCidrBlock": "10.15.0.0",
        "vpcId": "vpc-0123456789abcdef0",
    });
    let (_, peer) = world.of_project(Method::POST, "/peers", &peer);
    assert_eq!(peer["statusName"], "INITIATING", "{peer}");
    assert_eq!(
        world.get_of_project("/containers/all")["results"][0]["provisioned"],
        true
    );
    let path = format!("/peers/{}", peer["id"].as_str().unwrap());
    world.wait(60);
    assert_eq!(world.get_of_project(&path)["statusName"], "AVAILABLE");
    world.of_project(Method::DELETE, &path, &Value::Null);
    assert_eq!(world.get_of_project(&path)["statusName"], "TERMINATING");
    world.wait(60);
    assert_eq!(world.of_project(Method::GET, &path, &Value::Null).0, 404);
}

#[test]
fn events_reflect_the_resources_of_a_project_and_can_be_filtered() {
    let mut world = World::new();
    let query = format!("/events?eventType=CLUSTER_CREATED&clusterNames={DEDICATED_CLUSTER}");
    let events = world.get_of_project(&query);
    assert_eq!(events["totalCount"], 1, "{events}");
    let event = &events["results"][0];
    let path = format!("/events/{}", event["id"].as_str().unwrap());
    assert_eq!(world.get_of_project(&path), *event);
    let none = world.get_of_project("/events?minDate=2026-02-01T00:00:00Z");
    assert_eq!(none["totalCount"], 0);
    let types = world.get("/eventTypes?itemsPerPage=500");
    let types = types["results"].as_array().unwrap();
    let known = types.iter().find(|it| it["eventType"] == "CLUSTER_CREATED");
    assert_eq!(known.unwrap()["description"], "Cluster created");
}

#[test]
fn an_invoice_adds_up_and_its_csv_has_a_line_for_each_item() {
    let mut world = World::new();
    let list = world.get(&format!("/orgs/{ORG}/invoices?statusNames=PAID"));
    assert_eq!(list["totalCount"], 1, "{list}");
    let path = format!(
        "/orgs/{ORG}/invoices/{}",
        list["results"][0]["id"].as_str().unwrap()
    );
    let invoice = world.get(&path);
    let items = invoice["lineItems"].as_array().unwrap();
    let cents: u64 = items
        .iter()
        .map(|it| it["totalPriceCents"].as_u64().unwrap())
        .sum();
    assert_eq!(invoice["amountBilledCents"], cents);
    assert_eq!(invoice["amountPaidCents"], cents);

    let request = Request::get(format!("/api/atlas/v2{path}/csv"))
        .header("authorization", format!("Bearer {}", OWNER.access_token))
        .header("accept", "application/vnd.atlas.2023-01-01+csv")
        .body(Bytes::new())
        .unwrap();
    let answer = world.sandbox.handle(now(), request);
    let text = String::from_utf8(answer.body().to_vec()).unwrap();
    let widths: Vec<usize> = text.lines().map(|line| line.split(',').count()).collect();
    assert_eq!(widths, vec![widths[0]; items.len() + 1], "{text}");

    let report = json!({"reportFormat": "CSV", "reportType": "FOCUS"});
    let (status, report) = world.ask(Method::POST, &format!("{path}/reports"), &report);
    assert_eq!((status, &report["state"]), (201, &json!("PENDING")));
    world.wait(60);
    let report = format!("{path}/reports/{}", report["reportId"].as_str().unwrap());
    assert_eq!(world.get(&report)["state"], "SUCCEEDED");
}

#[test]
fn a_generically_created_resource_becomes_ready_and_shows_its_secret_once() {
    let mut world = World::new();
    let path = "/mcpConfigs";
    let (_, config) = world.of_project(
        Method::POST,
        path,
        &json!({"mcpConfigName": "m", "roles": ["GROUP_READ_ONLY"]}),
    );
    let path = format!("{path}/{}/secrets", config["mcpConfigId"].as_str().unwrap());
    let (status, secret) =
        world.of_project(Method::POST, &path, &json!({"secretExpiresAfterHours": 8}));
    assert_eq!(status, 201, "{secret}");
    assert!(secret["secret"].is_string(), "{secret}");
    let again = world.get_of_project(&format!("{path}/{}", secret["id"].as_str().unwrap()));
    assert!(again.get("secret").is_none(), "{again}");

    let path = "/encryptionAtRest/AWS/privateEndpoints";
    let body = json!({"cloudProvider": "AWS", "regionName": "US_EAST_1"});
    let (status, made) = world.of_project(Method::POST, path, &body);
    assert_eq!((status, &made["status"]), (202, &json!("INITIATING")));
    assert!(made.get("errorMessage").is_none(), "{made}");
    world.wait(60);
    let path = format!("{path}/{}", made["id"].as_str().unwrap());
    assert_eq!(world.get_of_project(&path)["status"], "ACTIVE");
}

#[test]
fn the_system_status_contains_the_calling_key() {
    let mut world = World::new();
    let request = Request::get("/api/atlas/v2")
        .header("authorization", format!("Bearer {}", READER.access_token))
        .header("accept", "application/vnd.atlas.2023-01-01+json")
        .body(Bytes::new())
        .unwrap();
    let answer = world.sandbox.handle(now(), request);
    let status: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(status["apiKey"]["publicKey"], READER.public_key);
    assert_eq!(status["apiKey"]["roles"][0]["roleName"], "GROUP_READ_ONLY");
    assert_eq!(world.get("")["apiKey"]["publicKey"], OWNER.public_key);
}
