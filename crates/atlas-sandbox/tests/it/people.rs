//! Organizations, users, keys and their permissions.

use atlas_sandbox::{ORG, OWNER, PROJECT, Sandbox};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_auth::digest::DigestClient;
use http_auth::{PasswordParams, parse_challenges};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::world::{after, json, now};

/// A request of the owner to a path below `/api/atlas/v2`.
fn request(method: &str, path: &str, body: &Value) -> Request<Bytes> {
    let body = if body.is_null() {
        Bytes::new()
    } else {
        body.to_string().into()
    };
    Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(format!("/api/atlas/v2{path}"))
        .header("authorization", format!("Bearer {}", OWNER.access_token))
        .header("accept", "application/vnd.atlas.2025-03-12+json")
        .header("content-type", "application/json")
        .body(body)
        .unwrap()
}

/// A sandbox and its current time.
struct World(Sandbox, Timestamp);

impl World {
    fn new() -> Self {
        Self(Sandbox::new(), now())
    }

    /// The status and the JSON of the response to the owner's request.
    fn ask(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.put(request(method, path, body))
    }

    fn put(&mut self, request: Request<Bytes>) -> (u16, Value) {
        let response = self.0.handle(self.1, request);
        let status = response.status().as_u16();
        let body = response.body();
        let json = if body.is_empty() {
            Value::Null
        } else {
            json(&response)
        };
        (status, json)
    }

    fn get(&mut self, path: &str) -> (u16, Value) {
        self.ask("GET", path, &Value::Null)
    }

    /// The status of a GET by an API key, over HTTP Digest.
    fn get_by_key(&mut self, path: &str, key: &Value) -> u16 {
        let text = |field: &str| key[field].as_str().unwrap().to_owned();
        let (public, private) = (text("publicKey"), text("privateKey"));
        let mut asked = request("GET", path, &Value::Null);
        asked.headers_mut().remove("authorization");
        let refused = self.0.handle(self.1, asked.clone());
        let uri = asked.uri().to_string();
        let answer = digest(&refused, &public, &private, &uri);
        asked
            .headers_mut()
            .insert("authorization", answer.parse().unwrap());
        self.put(asked).0
    }

    /// An access token of a service account, or the status of the error.
    fn token(&mut self, id: &str, secret: &str) -> Result<String, u16> {
        use base64::Engine as _;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
        let request = Request::post("/api/oauth/token")
            .header("authorization", format!("Basic {pair}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials".into())
            .unwrap();
        match self.put(request) {
            (200, token) => Ok(token["access_token"].as_str().unwrap().to_owned()),
            (status, _) => Err(status),
        }
    }

    fn get_by_token(&mut self, path: &str, token: &str) -> u16 {
        let mut asked = request("GET", path, &Value::Null);
        let value = format!("Bearer {token}").parse().unwrap();
        asked.headers_mut().insert("authorization", value);
        self.put(asked).0
    }
}

fn digest(refused: &Response<Bytes>, public: &str, private: &str, uri: &str) -> String {
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
    let challenges = parse_challenges(challenge).unwrap();
    let mut client = DigestClient::try_from(&challenges[0]).unwrap();
    let params = PasswordParams {
        username: public,
        password: private,
        uri,
        method: "GET",
        body: None,
    };
    client.respond(&params).unwrap()
}

#[test]
fn a_created_api_key_logs_in_with_its_roles_where_it_has_them_until_it_is_deleted() {
    let mut world = World::new();
    let asked = json!({"desc": "reads", "roles": ["GROUP_READ_ONLY"]});
    let (status, key) = world.ask("POST", &format!("/groups/{PROJECT}/apiKeys"), &asked);
    assert_eq!(status, 200);
    let (_, other) = world.ask("POST", "/groups", &json!({"name": "Other", "orgId": ORG}));
    let other = other["id"].as_str().unwrap().to_owned();
    let mine = format!("/groups/{PROJECT}");
    assert_eq!(world.get_by_key(&mine, &key), 200);
    assert_eq!(world.get_by_key(&format!("/groups/{other}"), &key), 403);
    assert_eq!(world.get_by_key(&format!("{mine}/invites"), &key), 403);
    let path = format!("/orgs/{ORG}/apiKeys/{}", key["id"].as_str().unwrap());
    let (_, shown) = world.get(&path);
    let masked = shown["privateKey"].as_str().unwrap();
    assert!(masked.starts_with("********-****-****-") && masked.len() == 31);
    let asked = json!({"roles": ["GROUP_OWNER"]});
    let in_project = format!("{mine}/apiKeys/{}", key["id"].as_str().unwrap());
    world.ask("PATCH", &in_project, &asked);
    assert_eq!(world.get_by_key(&format!("{mine}/invites"), &key), 200);
    assert_eq!(world.ask("DELETE", &path, &Value::Null).0, 204);
    assert_eq!(world.get_by_key(&mine, &key), 401);
}

#[test]
fn a_service_account_fetches_tokens_until_its_secret_expires_or_is_deleted() {
    let mut world = World::new();
    let asked = json!({
        "description": "reads",
        "name": "reader",
        "roles": ["ORG_READ_ONLY"],
        "secretExpiresAfterHours": 8,
    });
    let path = format!("/orgs/{ORG}/serviceAccounts");
    let (status, made) = world.ask("POST", &path, &asked);
    assert_eq!(status, 201);
    let id = made["clientId"].as_str().unwrap().to_owned();
    let secret = made["secrets"][0]["secret"].as_str().unwrap().to_owned();
    let token = world.token(&id, &secret).unwrap();
    let mine = format!("{path}/{id}");
    assert_eq!(world.get_by_token(&mine, &token), 200);
    assert_eq!(
        world.get_by_token(&format!("/orgs/{ORG}/invites"), &token),
        403
    );
    let (_, shown) = world.get(&mine);
    assert!(shown["secrets"][0].get("secret").is_none());
    let asked = json!({"secretExpiresAfterHours": 24});
    let (status, second) = world.ask("POST", &format!("{mine}/secrets"), &asked);
    assert_eq!(status, 201);
    world.1 = after(SignedDuration::from_hours(9));
    assert_eq!(world.token(&id, &secret), Err(401));
    let later = second["secret"].as_str().unwrap();
    assert!(world.token(&id, later).is_ok());
    let second = format!("{mine}/secrets/{}", second["id"].as_str().unwrap());
    assert_eq!(world.ask("DELETE", &second, &Value::Null).0, 204);
    assert_eq!(world.token(&id, later), Err(401));
}

#[test]
fn an_organization_goes_with_its_keys_once_it_has_no_project() {
    let mut world = World::new();
    let key = json!({"desc": "owner", "roles": ["ORG_OWNER"]});
    let (status, made) = world.ask("POST", "/orgs", &json!({"name": "New", "apiKey": key}));
    assert_eq!(status, 201);
    let org = made["organization"]["id"].as_str().unwrap().to_owned();
    let key = &made["apiKey"];
    let path = format!("/orgs/{org}");
    assert_eq!(world.get_by_key(&path, key), 200);
    assert_eq!(world.get_by_key(&format!("/orgs/{ORG}"), key), 403);
    let (_, project) = world.ask("POST", "/groups", &json!({"name": "P", "orgId": org}));
    let (status, refused) = world.ask("DELETE", &path, &Value::Null);
    assert_eq!(
        (status, &refused["errorCode"]),
        (409, &json!("ORG_NOT_EMPTY"))
    );
    let project = format!("/groups/{}", project["id"].as_str().unwrap());
    assert_eq!(world.ask("DELETE", &project, &Value::Null).0, 202);
    assert_eq!(world.ask("DELETE", &path, &Value::Null).0, 204);
    assert_eq!(world.get_by_key(&path, key), 401);
    assert_eq!(world.get(&path).0, 404);
}

#[test]
fn an_entry_of_an_access_list_is_found_by_either_form_and_goes_in_time() {
    let mut world = World::new();
    let path = format!("/groups/{PROJECT}/accessList");
    let asked = json!([
        {"ipAddress": "192.0.2.15", "deleteAfterDate": "2026-11-23T18:00:00Z"},
        {"cidrBlock": "198.51.100.0/24"},
        {"awsSecurityGroup": "sg-01234567"},
    ]);
    let (status, page) = world.ask("POST", &path, &asked);
    assert_eq!((status, page["totalCount"].as_u64()), (201, Some(3)));
    for value in ["192.0.2.15", "192.0.2.15%2F32"] {
        let (status, entry) = world.get(&format!("{path}/{value}"));
        assert_eq!(
            (status, &entry["cidrBlock"]),
            (200, &json!("192.0.2.15/32"))
        );
        assert_eq!(entry["ipAddress"], "192.0.2.15");
    }
    let status = format!("{path}/198.51.100.0%2F24/status");
    assert_eq!(world.get(&status).1["STATUS"], "PENDING");
    world.1 = after(SignedDuration::from_hours(6));
    assert_eq!(world.get(&status).1["STATUS"], "ACTIVE");
    let (status, gone) = world.get(&format!("{path}/192.0.2.15"));
    let code = "ATLAS_NETWORK_PERMISSION_ENTRY_NOT_FOUND";
    assert_eq!((status, gone["errorCode"].as_str()), (404, Some(code)));
    assert_eq!(world.get(&path).1["totalCount"], 2);
}

#[test]
fn an_address_of_a_seed_is_found_by_either_form() {
    const ID: &str = "32b6e34b3d91647abb20e7b8";
    for list in [
        format!("/groups/{PROJECT}/accessList"),
        format!("/orgs/{ORG}/apiKeys/{ID}/accessList"),
    ] {
        for seeded in ["192.0.2.15", "192.0.2.15%2F32"] {
            let body = json!({"cidrBlock": "192.0.2.15/32"});
            let seed = json!({"resources": [
                {"path": format!("/orgs/{ORG}/apiKeys/{ID}"), "body": {"id": ID}},
                {"path": format!("{list}/{seeded}"), "body": body},
            ]});
            let mut world = World::new();
            world.0 = Sandbox::from_seed(&seed.to_string()).unwrap();
            for asked in ["192.0.2.15", "192.0.2.15%2F32"] {
                let (status, entry) = world.get(&format!("{list}/{asked}"));
                assert_eq!((status, &entry["cidrBlock"]), (200, &body["cidrBlock"]));
            }
        }
    }
    let path = format!("/groups/{PROJECT}/accessList/192.0.2.15");
    let twice = json!([{"path": path, "body": {}}, {"path": format!("{path}%2F32"), "body": {}}]);
    let error = Sandbox::from_seed(&json!({"resources": twice}).to_string()).unwrap_err();
    assert!(error.to_string().contains("resources[1]"), "{error}");
}

#[test]
fn a_user_has_the_shape_of_each_version_and_leaves_an_organization_with_all_roles() {
    let mut world = World::new();
    let users = format!("/groups/{PROJECT}/users");
    let asked = json!({"roles": ["GROUP_READ_ONLY"], "username": "new@example.com"});
    let (status, user) = world.ask("POST", &users, &asked);
    assert_eq!(status, 201);
    assert_eq!(user["orgMembershipStatus"], "PENDING");
    assert_eq!(user["roles"], json!(["GROUP_READ_ONLY"]));
    let id = user["id"].as_str().unwrap().to_owned();
    let in_org = format!("/orgs/{ORG}/users/{id}");
    let (_, member) = world.get(&in_org);
    let roles = json!({
        "groupRoleAssignments": [{"groupId": PROJECT, "groupRoles": ["GROUP_READ_ONLY"]}],
        "orgRoles": ["ORG_MEMBER"],
    });
    assert_eq!(member["roles"], roles);
    let mut old = request("GET", &users, &Value::Null);
    let version = "application/vnd.atlas.2023-01-01+json".parse().unwrap();
    old.headers_mut().insert("accept", version);
    let (_, page) = world.put(old);
    let role = json!({"groupId": PROJECT, "roleName": "GROUP_READ_ONLY"});
    assert!(
        page["results"][1]["roles"]
            .as_array()
            .unwrap()
            .contains(&role)
    );
    assert_eq!(page["results"][1].get("orgMembershipStatus"), None);
    let role = json!({"groupRole": "GROUP_OWNER"});
    let (_, changed) = world.ask("POST", &format!("{users}/{id}:addRole"), &role);
    assert_eq!(changed["roles"], json!(["GROUP_READ_ONLY", "GROUP_OWNER"]));
    assert_eq!(world.ask("DELETE", &in_org, &Value::Null).0, 204);
    assert_eq!(world.get(&format!("{users}/{id}")).0, 404);
}

#[test]
fn passwords_of_database_users_and_private_keys_are_neither_kept_nor_returned_later() {
    let mut world = World::new();
    let path = format!("/groups/{PROJECT}/databaseUsers");
    let asked = json!({
        "databaseName": "admin",
        "groupId": PROJECT,
        "password": "fake-password",
        "roles": [{"databaseName": "admin", "roleName": "readAnyDatabase"}],
        "username": "reader",
    });
    assert_eq!(world.ask("POST", &path, &asked).0, 201);
    let (status, refused) = world.ask("POST", &path, &asked);
    let code = refused["errorCode"].as_str();
    assert_eq!((status, code), (409, Some("USER_ALREADY_EXISTS")));
    let asked = json!({"desc": "d", "roles": ["ORG_MEMBER"]});
    let (_, key) = world.ask("POST", &format!("/orgs/{ORG}/apiKeys"), &asked);
    let shown = format!("{:?}", world.0);
    assert!(shown.contains("readAnyDatabase") && !shown.contains("fake-password"));
    assert!(!shown.contains(key["privateKey"].as_str().unwrap()));
    let (_, page) = world.get(&path);
    assert_eq!(page["results"][0]["username"], "reader");
    assert_eq!(page["results"][0].get("password"), None);
}

#[test]
fn a_missing_link_is_refused_with_null_parameters() {
    let mut world = World::new();
    let path = format!("/orgs/{ORG}/liveMigrations/linkTokens");
    assert_eq!(
        world.ask("POST", &path, &json!({"accessListIps": []})).0,
        201
    );
    assert_eq!(world.ask("DELETE", &path, &Value::Null), (204, Value::Null));
    let (status, refused) = world.ask("DELETE", &path, &Value::Null);
    assert_eq!(
        (status, refused.get("parameters")),
        (404, Some(&Value::Null))
    );
}

#[test]
fn a_project_moves_with_its_users_and_without_the_keys_of_its_old_organization() {
    let mut world = World::new();
    let keys = format!("/groups/{PROJECT}/apiKeys");
    let asked = json!({"desc": "reads", "roles": ["GROUP_READ_ONLY"]});
    let (_, key) = world.ask("POST", &keys, &asked);
    assert_eq!(world.get_by_key("", &key), 200);
    let (_, made) = world.ask("POST", "/orgs", &json!({"name": "New"}));
    let org = made["organization"]["id"].as_str().unwrap().to_owned();
    let path = format!("/groups/{PROJECT}:migrate");
    let (status, moved) = world.ask("POST", &path, &json!({"destinationOrgId": org}));
    assert_eq!((status, moved["orgId"].as_str()), (200, Some(org.as_str())));
    assert_eq!(world.get_by_key(&format!("/groups/{PROJECT}"), &key), 403);
    let (_, users) = world.get(&format!("/orgs/{org}/users"));
    assert_eq!(users["results"][0]["username"], "owner@sandbox.example");
    let path = "/groups/ffffffffffffffffffffffff:migrate";
    assert_eq!(
        world.ask("POST", path, &json!({"destinationOrgId": org})).0,
        404
    );
}

#[test]
fn an_invited_user_is_active_with_an_account_and_expired_without_one_after_thirty_days() {
    let mut world = World::new();
    let users = format!("/orgs/{ORG}/users");
    for name in ["a@example.com", "b@example.com"] {
        let roles = json!({"orgRoles": ["ORG_MEMBER"]});
        let (status, made) = world.ask("POST", &users, &json!({"roles": roles, "username": name}));
        assert_eq!(
            (status, &made["orgMembershipStatus"]),
            (201, &json!("PENDING"))
        );
    }
    let asked = json!({
        "country": "IE",
        "firstName": "A",
        "lastName": "B",
        "mobileNumber": "2025550123",
        "password": "fake-password",
        "roles": [],
        "username": "a@example.com",
    });
    assert_eq!(world.ask("POST", "/users", &asked).0, 201);
    assert_eq!(world.ask("POST", "/users", &asked).0, 409);
    world.1 = after(SignedDuration::from_hours(721));
    let mut status = |name: &str| {
        let (_, page) = world.get(&format!("{users}?username={name}"));
        page["results"][0]["orgMembershipStatus"].clone()
    };
    assert_eq!(status("a@example.com"), "ACTIVE");
    assert_eq!(status("b@example.com"), "INVITATION_EXPIRED");
}

#[test]
fn a_limit_of_a_project_is_kept() {
    let mut world = World::new();
    let limit = "atlas.project.security.databaseAccess.customRoles";
    let path = format!("/groups/{PROJECT}/limits/{limit}");
    let (_, shown) = world.get(&path);
    assert_eq!(
        (&shown["value"], &shown["maximumLimit"]),
        (&json!(100), &json!(1400))
    );
    let asked = json!({"name": limit, "value": 1});
    assert_eq!(world.ask("PATCH", &path, &asked).0, 200);
    let roles = format!("/groups/{PROJECT}/customDBRoles/roles");
    let role = |name: &str| json!({"actions": [], "inheritedRoles": [], "roleName": name});
    assert_eq!(world.ask("POST", &roles, &role("a")).0, 202);
    let (status, refused) = world.ask("POST", &roles, &role("b"));
    let code = refused["errorCode"].as_str();
    assert_eq!((status, code), (403, Some("CUSTOM_ROLES_LIMIT_EXCEEDED")));
    assert_eq!(world.get(&path).1["currentUsage"], 1);
    assert_eq!(world.ask("DELETE", &path, &Value::Null).0, 204);
    assert_eq!(world.ask("POST", &roles, &role("b")).0, 202);
}

#[test]
fn keys_that_come_and_go_leave_nothing_behind() {
    let mut world = World::new();
    let path = format!("/orgs/{ORG}/apiKeys");
    let asked = json!({"desc": "d", "roles": ["ORG_READ_ONLY"]});
    let mut turn = || {
        let (_, key) = world.ask("POST", &path, &asked);
        assert_eq!(world.get_by_key(&path, &key), 200);
        let own = format!("{path}/{}", key["id"].as_str().unwrap());
        assert_eq!(world.ask("DELETE", &own, &Value::Null).0, 204);
        world.0.forget_sessions();
        format!("{:?}", world.0).len()
    };
    let first = turn();
    let most = (0..20).map(|_| turn()).max().unwrap();
    assert!(most < first + 100, "{first} {most}");
}

#[test]
fn a_created_api_key_is_restored_with_its_world() {
    let mut world = World::new();
    let path = format!("/orgs/{ORG}/apiKeys");
    let asked = json!({"desc": "d", "roles": ["ORG_READ_ONLY"]});
    let (_, key) = world.ask("POST", &path, &asked);
    let seed = world.0.to_seed(now());
    let mut again = World(Sandbox::from_seed(&seed).unwrap(), now());
    assert_eq!(again.0.to_seed(now()), seed);
    assert_eq!(again.get_by_key(&path, &key), 200);
    assert_eq!(again.get_by_key(&format!("/orgs/{ORG}/invites"), &key), 403);
    let own = format!("{path}/{}", key["id"].as_str().unwrap());
    assert_eq!(again.ask("DELETE", &own, &Value::Null).0, 204);
    assert_eq!(again.get_by_key(&path, &key), 401);
}
