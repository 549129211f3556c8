//! Resources of projects other than clusters: alerts, integrations and settings.

use atlas_sandbox::{ORG, OWNER, PROJECT, Sandbox};
use bytes::Bytes;
use http::{Method, Request, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::world::now;

/// A world with requests of the owner, at a time that only moves when set.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    now: Timestamp,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            sandbox: Sandbox::new(),
            now: now(),
        }
    }

    pub(crate) fn wait(&mut self, seconds: i64) {
        let time = SignedDuration::from_secs(seconds);
        self.now = self.now.checked_add(time).unwrap();
    }

    fn respond(&mut self, method: Method, path: &str, body: &Value) -> Response<Bytes> {
        let body = match body {
            Value::Null => Bytes::new(),
            body => body.to_string().into(),
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/atlas/v2{path}"))
            .header("authorization", format!("Bearer {}", OWNER.access_token))
            .header("accept", "application/vnd.atlas.2025-03-12+json")
            .header("content-type", "application/vnd.atlas.2025-03-12+json")
            .body(body)
            .unwrap();
        self.sandbox.handle(self.now, request)
    }

    /// The status and the body of a response.
    pub(crate) fn ask(&mut self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.respond(method, path, body);
        let body = serde_json::from_slice(answer.body()).unwrap_or_default();
        (answer.status().as_u16(), body)
    }

    pub(crate) fn get(&mut self, path: &str) -> Value {
        let (status, body) = self.ask(Method::GET, path, &Value::Null);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(crate) fn of_project(&mut self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        self.ask(method, &format!("/groups/{PROJECT}{path}"), body)
    }

    pub(crate) fn get_of_project(&mut self, path: &str) -> Value {
        self.get(&format!("/groups/{PROJECT}{path}"))
    }
}

#[test]
fn an_alert_shows_its_acknowledging_user_until_that_is_withdrawn() {
    let mut world = World::new();
    let alert = world.get_of_project("/alerts?status=CLOSED")["results"][0].clone();
    assert_eq!(alert["eventTypeName"], "USERS_WITHOUT_MULTI_FACTOR_AUTH");
    assert!(alert.get("acknowledgingUsername").is_none(), "{alert}");
    assert_eq!(world.get_of_project("/alerts?status=OPEN")["totalCount"], 0);

    let path = format!("/alerts/{}", alert["id"].as_str().unwrap());
    let until = json!({"acknowledgedUntil": "2126-01-01T00:00:00Z"});
    let (status, known) = world.of_project(Method::PATCH, &path, &until);
    assert_eq!(
        (status, &known["acknowledgedUntil"]),
        (200, &until["acknowledgedUntil"])
    );
    assert_eq!(known["acknowledgingUsername"], OWNER.public_key);
    let back = json!({"unacknowledgeAlert": true});
    let (_, open) = world.of_project(Method::PATCH, &path, &back);
    assert_eq!(open, alert);

    let configurations = world.get_of_project(&format!("{path}/alertConfigs"));
    assert_eq!(configurations["results"][0]["id"], alert["alertConfigId"]);
    let id = alert["alertConfigId"].as_str().unwrap();
    let alerts = world.get_of_project(&format!("/alertConfigs/{id}/alerts"));
    assert_eq!(alerts["results"], json!([alert]));
}

#[test]
fn an_alert_configuration_is_found_at_its_location() {
    let mut world = World::new();
    let body = json!({
        "enabled": true,
        "eventTypeName": "NO_PRIMARY",
        "notifications": [{"typeName": "SLACK", "channelName": "c", "apiToken": "slack-token-1234"}],
    });
    let path = format!("/groups/{PROJECT}/alertConfigs");
    let made = world.respond(Method::POST, &path, &body);
    assert_eq!(made.status(), 201);
    let place = made.headers()["location"].to_str().unwrap();
    let place = place.split("/api/atlas/v2").nth(1).unwrap().to_owned();
    let text = String::from_utf8(made.body().to_vec()).unwrap();
    assert!(text.contains("************1234"), "{text}");
    assert!(!text.contains("slack-token"), "{text}");

    world.wait(5);
    let off = json!({"eventTypeName": "NO_PRIMARY", "notifications": body["notifications"]});
    let (status, replaced) = world.ask(Method::PUT, &place, &off);
    assert_eq!((status, &replaced["enabled"]), (200, &json!(false)));
    assert_ne!(replaced["created"], replaced["updated"]);
    let (_, on) = world.ask(Method::PATCH, &place, &json!({"enabled": true}));
    assert_eq!(world.get(&place), on);
    assert_eq!(on["enabled"], true);
    assert_eq!(world.ask(Method::DELETE, &place, &Value::Null).0, 204);
    assert_eq!(world.ask(Method::GET, &place, &Value::Null).0, 404);
}

#[test]
fn integrations_are_returned_as_a_list_without_their_secrets() {
    let mut world = World::new();
    for (kind, field, secret) in [
        ("DATADOG", "apiKey", "0123456789abcdef0123456789abcdef"),
        (
            "OPS_GENIE",
            "apiKey",
            "11111111-aaaa-2222-bbbb-333333333333",
        ),
        (
            "PAGER_DUTY",
            "serviceKey",
            "22222222222222222222222222222222",
        ),
        (
            "VICTOR_OPS",
            "apiKey",
            "33333333-aaaa-2222-bbbb-333333333333",
        ),
    ] {
        let path = format!("/integrations/{kind}");
        let body = json!({"type": kind, field: secret});
        let (status, list) = world.of_project(Method::POST, &path, &body);
        assert_eq!(status, 200, "{list}");
        let entry = list["results"].as_array().unwrap().last().unwrap();
        let shown = entry[field].as_str().unwrap();
        let end = &secret[secret.len() - 4..];
        assert_eq!(shown, format!("{}{end}", "*".repeat(secret.len() - 4)));
        assert_eq!(entry["id"].as_str().unwrap().len(), 24);
        assert_eq!(world.get_of_project(&path), *entry);
        assert_eq!(world.of_project(Method::POST, &path, &body).0, 409);
    }
    let body =
        json!({"type": "WEBHOOK", "url": "https://hooks.example/a/secret", "secret": "abcdefgh"});
    let (_, list) = world.of_project(Method::POST, "/integrations/WEBHOOK", &body);
    assert_eq!(list["results"][4]["url"], "https://hooks.example/a/******");
    assert_eq!(list["results"][4]["secret"], "****efgh");
    let delete = world.of_project(Method::DELETE, "/integrations/DATADOG", &Value::Null);
    assert_eq!(delete.0, 204);
    assert_eq!(world.get_of_project("/integrations")["totalCount"], 4);
}

#[test]
fn no_response_and_no_export_contains_a_written_secret() {
    let mut world = World::new();
    let secret = "S3cret-of-others";
    let headers = json!({"Authorization": secret, "Accept": "text/plain"});
    let mut answers = Vec::new();
    for (path, body) in [
        (
            "/logIntegrations",
            json!({"type": "DATADOG_LOG_EXPORT", "apiKey": secret, "region": "US1",
                "logTypes": ["MONGOD"]}),
        ),
        (
            "/logIntegrations",
            json!({"type": "SPLUNK_LOG_EXPORT", "hecToken": secret, "logTypes": ["MONGOD"],
                "hecUrl": format!("https://u:{secret}@splunk.example:8088")}),
        ),
        (
            "/alertConfigs",
            json!({"eventTypeName": "NO_PRIMARY", "enabled": true, "notifications": [
                {"typeName": "WEBHOOK", "webhookUrl": "https://hooks.example/a",
                "webhookHeadersTemplate": secret, "webhookSecret": secret}]}),
        ),
        (
            "/integrations/WEBHOOK",
            json!({"type": "WEBHOOK", "url": format!("https://u:{secret}@hooks.example/incoming"),
                "headersTemplate": secret}),
        ),
        (
            "/streams",
            json!({"name": "Streams", "dataProcessRegion":
                {"cloudProvider": "AWS", "region": "VIRGINIA_USA"}}),
        ),
        (
            "/streams/Streams/connections",
            json!({"name": "Https", "type": "Https", "url": format!("https://u:{secret}@a.example"),
                "headers": headers}),
        ),
        (
            "/streams/Streams/connections",
            json!({"name": "Kafka", "type": "Kafka", "bootstrapServers": "a.example:9092",
                "config": {"ssl.key.password": secret}}),
        ),
    ] {
        let (status, answer) = world.of_project(Method::POST, path, &body);
        assert!(status < 300, "{path}: {answer}");
        answers.push(answer);
        answers.push(world.get_of_project(path.trim_end_matches("/WEBHOOK")));
    }
    let masked = "************hers";
    assert_eq!(answers[0]["apiKey"], masked);
    assert_eq!(answers[2]["hecToken"], masked);
    let notification = &answers[4]["notifications"][0];
    assert_eq!(notification["webhookHeadersTemplate"], masked);
    assert_eq!(answers[10]["headers"]["Authorization"], masked);
    assert_eq!(answers[10]["headers"]["Accept"], "text/plain");
    for answer in answers {
        assert!(!answer.to_string().contains(secret), "{answer}");
    }
    let export = world.sandbox.to_seed(now());
    let place = export
        .find(secret)
        .map(|at| &export[at.saturating_sub(300)..at + 20]);
    assert_eq!(place, None);
    assert!(export.contains("hooks.example"));
}

#[test]
fn a_seeded_secret_is_returned_masked() {
    let id = "32b6e34b3d91647abb20e7b1";
    let path = format!("/groups/{PROJECT}/logIntegrations/{id}");
    let seed = json!({"resources": [{"path": path, "body": {
        "id": id, "type": "DATADOG_LOG_EXPORT", "apiKey": "S3cret", "region": "US1"}}]});
    let mut world = World::new();
    world.sandbox = Sandbox::from_seed(&seed.to_string()).unwrap();
    assert_eq!(world.get(&path)["apiKey"], "**cret");
}

#[test]
fn a_verification_of_ldap_fails_in_time_and_keeps_no_password() {
    let mut world = World::new();
    let body = json!({
        "bindPassword": "hidden",
        "bindUsername": "CN=Administrator,CN=Users,DC=example,DC=com",
        "hostname": "ldap.example.com",
        "port": 636,
    });
    let (status, asked) = world.of_project(Method::POST, "/userSecurity/ldap/verify", &body);
    assert_eq!((status, &asked["status"]), (200, &json!("PENDING")));
    assert_eq!(asked["validations"], json!([]));
    assert!(asked["request"].get("bindPassword").is_none(), "{asked}");
    let path = format!(
        "/userSecurity/ldap/verify/{}",
        asked["requestId"].as_str().unwrap()
    );
    assert_eq!(world.get_of_project(&path), asked);
    world.wait(6);
    assert_eq!(world.get_of_project(&path)["status"], "FAILED");

    let project = json!({"name": "Empty", "orgId": ORG});
    let (_, project) = world.ask(Method::POST, "/groups", &project);
    let id = project["id"].as_str().unwrap();
    let path = format!("/groups/{id}/userSecurity/ldap/verify");
    let (status, error) = world.ask(Method::POST, &path, &body);
    assert_eq!(status, 400);
    assert_eq!(
        error["errorCode"],
        "LDAP_VERIFY_CONNECTIVITY_NO_AVAILABLE_CLUSTERS"
    );
    assert_eq!(error["parameters"], json!([id]));
}

#[test]
fn settings_are_read_as_they_were_written() {
    let mut world = World::new();
    let ldap = json!({"ldap": {
        "authenticationEnabled": true,
        "bindPassword": "hidden",
        "userToDNMapping": [{"match": "(.+)", "substitution": "CN={0}"}],
    }});
    let (status, known) = world.of_project(Method::PATCH, "/userSecurity", &ldap);
    assert_eq!((status, &known["customerX509"]), (202, &json!({})));
    assert_eq!(known["ldap"]["authenticationEnabled"], true);
    assert!(!known.to_string().contains("hidden"), "{known}");
    let path = "/userSecurity/ldap/userToDNMapping";
    let (status, without) = world.of_project(Method::DELETE, path, &Value::Null);
    assert_eq!(status, 202);
    assert!(
        without["ldap"].get("userToDNMapping").is_none(),
        "{without}"
    );
    assert_eq!(without["ldap"]["authenticationEnabled"], true);

    assert_eq!(
        world.get_of_project("/auditLog")["configurationType"],
        "NONE"
    );
    let audit = json!({"auditFilter": "{\"atype\": \"authenticate\"}", "enabled": true});
    let (status, known) = world.of_project(Method::PATCH, "/auditLog", &audit);
    assert_eq!(
        (status, &known["configurationType"]),
        (202, &json!("FILTER_JSON"))
    );
    assert_eq!(world.get_of_project("/auditLog"), known);

    let window = json!({"dayOfWeek": 3, "hourOfDay": 4});
    let answer = world.of_project(Method::PATCH, "/maintenanceWindow", &window);
    assert_eq!(answer, (200, Value::Null));
    for path in ["/maintenanceWindow/defer", "/maintenanceWindow/autoDefer"] {
        assert_eq!(world.of_project(Method::POST, path, &Value::Null).0, 200);
    }
    let known = world.get_of_project("/maintenanceWindow");
    assert_eq!(
        (&known["dayOfWeek"], &known["numberOfDeferrals"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(
        (&known["autoDeferOnceEnabled"], &known["startASAP"]),
        (&json!(true), &json!(false))
    );
    let reset = world.of_project(Method::DELETE, "/maintenanceWindow", &Value::Null);
    assert_eq!(reset.0, 204);
    assert_eq!(
        world.get_of_project("/maintenanceWindow")["numberOfDeferrals"],
        0
    );

    let export = json!({"bucketName": "b", "iamRoleId": "0".repeat(24), "prefixPath": "p"});
    assert_eq!(
        world
            .of_project(Method::POST, "/pushBasedLogExport", &export)
            .0,
        200
    );
    assert_eq!(
        world.get_of_project("/pushBasedLogExport")["state"],
        "INITIATING"
    );
    world.wait(60);
    let known = world.get_of_project("/pushBasedLogExport");
    assert_eq!(
        (&known["state"], &known["bucketName"]),
        (&json!("ACTIVE"), &json!("b"))
    );
}
