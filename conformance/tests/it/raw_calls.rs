//! Tests of calls by name over a socket, compared with an independent reading of the facts.

use atlas_model::{Paging, PagingError};
use atlas_transport::{Client, Credentials, Error, ErrorKind};
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};
use wiremock::matchers::{method, path, query_param, query_param_is_missing};
use wiremock::{Match, Mock, MockServer, Request, ResponseTemplate};

#[path = "../../../crates/atlas-catalog/tests/it/samples.rs"]
mod samples;

const GROUP: &str = "32b6e34b3d91647abb20e7b8";

fn facts() -> Value {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/api/facts.json");
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn client(server: &MockServer) -> Client {
    Client::new(server.uri().parse().unwrap(), &Credentials::bearer("t0ken")).unwrap()
}

/// Percent-encodes a text (RFC 3986).
fn encode(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// The call that the facts describe.
struct Expected {
    parameters: Vec<(String, String)>,
    target: String,
    headers: Vec<(String, String)>,
}

fn expected(operation: &Value, facts: &Value, maker: &mut samples::Maker<'_>) -> Expected {
    let mut target = operation["path"].as_str().unwrap().to_owned();
    let (mut query, mut headers, mut parameters) = (Vec::new(), Vec::new(), Vec::new());
    for given in operation["parameters"].as_array().unwrap() {
        let given = match given["$ref"].as_str() {
            Some(name) => &facts["parameters"][name],
            None => given,
        };
        let name = given["name"].as_str().unwrap();
        // Envelopes have their own test.
        if name == "envelope" {
            continue;
        }
        let schema = &given["schema"];
        let values = match schema["type"].as_str() {
            Some("array") => vec![
                maker.value(&schema["items"], 1),
                maker.value(&schema["items"], 1),
            ],
            _ => vec![maker.value(schema, 1)],
        };
        for value in values {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            match given["in"].as_str().unwrap() {
                "path" => target = target.replace(&format!("{{{name}}}"), &encode(&text)),
                "query" => query.push(format!("{}={}", encode(name), encode(&text))),
                _ => headers.push((name.to_ascii_lowercase(), text.clone())),
            }
            parameters.push((name.to_owned(), text));
        }
    }
    if !query.is_empty() {
        target = format!("{target}?{}", query.join("&"));
    }
    Expected {
        parameters,
        target,
        headers,
    }
}

#[tokio::test]
async fn every_operation_is_sent_as_documented_in_each_version() {
    let facts = facts();
    let server = MockServer::start().await;
    let template = ResponseTemplate::new(299).set_body_raw("{}", "application/json");
    Mock::given(|_: &Request| true)
        .respond_with(template)
        .mount(&server)
        .await;
    let client = client(&server);
    let mut maker = samples::Maker {
        schemas: &facts["schemas"],
        random: fastrand::Rng::with_seed(3),
        odd: 0,
        without: "readOnly",
    };
    let (mut operations, mut sent) = (0, 0);
    for one in facts["operations"].as_array().unwrap() {
        operations += 1;
        for version in one["versions"].as_array().unwrap() {
            let expected = expected(one, &facts, &mut maker);
            let id = one["id"].as_str().unwrap();
            let name = version["version"].as_str().unwrap();
            let mut call = client.call(id).version(name);
            for (name, value) in &expected.parameters {
                call = call.parameter(name, value);
            }
            let body = version["request"]["json"]
                .is_object()
                .then(|| json!({"a": ["é", 1]}));
            if let Some(body) = &body {
                call = call.json(body.clone());
            }
            let formats = version["responses"].as_object().unwrap().values();
            let formats = formats.flat_map(|formats| formats.as_object().unwrap().keys());
            let formats: Vec<&String> = formats.collect();
            let json = formats.iter().any(|format| *format == "json");
            let format = if json { "json" } else { formats[0] };
            if format == "json" {
                let answer = call.send().await.unwrap();
                assert_eq!(answer.meta.status.as_u16(), 299, "any 2xx is a success");
            } else {
                let mut answer = call.stream().await.unwrap();
                assert_eq!(answer.chunk().await.unwrap().unwrap(), "{}");
            }
            sent += 1;

            let requests = server.received_requests().await.unwrap();
            let request = requests.last().unwrap();
            assert_eq!(requests.len(), sent, "{id}");
            assert_eq!(request.method.as_str(), one["method"], "{id}");
            let url = &request.url;
            let query = url
                .query()
                .map(|query| format!("?{query}"))
                .unwrap_or_default();
            assert_eq!(format!("{}{query}", url.path()), expected.target, "{id}");
            let media_type = |format: &str| format!("application/vnd.atlas.{name}+{format}");
            let mut headers = expected.headers;
            headers.push(("accept".to_owned(), media_type(format)));
            headers.push(("authorization".to_owned(), "Bearer t0ken".to_owned()));
            if body.is_some() {
                headers.push(("content-type".to_owned(), media_type("json")));
            }
            for (name, value) in &headers {
                assert_eq!(
                    request.headers[name.as_str()],
                    value.as_str(),
                    "{id} {name}"
                );
            }
            let transport = ["accept-encoding", "content-length", "host", "user-agent"];
            for name in request.headers.keys() {
                let known = headers.iter().any(|(known, _)| known == name.as_str());
                assert!(known || transport.contains(&name.as_str()), "{id} {name}");
            }
            match body {
                Some(body) => {
                    let found: Value = serde_json::from_slice(&request.body).unwrap();
                    assert_eq!(found, body);
                }
                None => assert!(request.body.is_empty()),
            }
        }
    }
    assert_eq!((operations, sent), (546, 604));
}

#[tokio::test]
async fn an_invalid_call_is_an_error_and_nothing_is_sent() {
    let server = MockServer::start().await;
    let client = client(&server);
    let error = client.call("getClutser").send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::UnknownOperation { .. }));
    assert_eq!(
        error.to_string(),
        "unknown operation \"getClutser\"; did you mean clusters.getCluster or getUser or getOrgUser?"
    );
    for call in [
        client.call("getGroup"),
        client.call("getGroup").parameter("groupId", "nope"),
        client
            .call("getGroup")
            .parameter("groupId", GROUP)
            .parameter("nope", 1),
        client
            .call("getGroup")
            .parameter("groupId", GROUP)
            .version("1999-01-01"),
        client.call("createGroup"),
    ] {
        let error = call.send().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Request(_)), "{error}");
        assert!(!error.may_have_been_sent());
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_refusal_names_the_documented_roles() {
    let server = MockServer::start().await;
    let body = json!({"error": 403, "errorCode": "USER_UNAUTHORIZED", "reason": "Forbidden"});
    let refused = ResponseTemplate::new(403).set_body_json(body);
    Mock::given(method("POST"))
        .respond_with(refused.clone())
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .respond_with(refused)
        .mount(&server)
        .await;
    let client = client(&server);
    let call = client
        .call("acceptGroupStreamVpcPeeringConnection")
        .parameter("groupId", GROUP)
        .parameter("id", "x")
        .json(json!({}));
    let line = call.send().await.unwrap_err().to_string();
    let roles = "Organization Stream Processing Admin or Project Stream Processing Owner";
    assert!(
        line.contains(&format!("the credentials may lack the role {roles}")),
        "{line}"
    );
    let stream = client
        .call("downloadGroupClusterLog")
        .parameter("groupId", GROUP)
        .parameter("hostName", "h.example.net")
        .parameter("logName", "mongodb");
    let line = stream.stream().await.unwrap_err().to_string();
    assert!(line.contains("may lack the role"), "{line}");
}

#[tokio::test]
async fn an_enveloped_response_has_the_status_of_the_envelope() {
    let server = MockServer::start().await;
    let body = json!({"status": 404, "content": {"error": 404, "errorCode": "GROUP_NOT_FOUND"}});
    let answer = ResponseTemplate::new(200).set_body_json(body);
    Mock::given(query_param("envelope", "true"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let call = client(&server).call("getGroup").parameter("groupId", GROUP);
    let error = call.parameter("envelope", true).send().await.unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(404));
}

/// Matches a request with exactly this query.
struct From(&'static str);

impl Match for From {
    fn matches(&self, request: &Request) -> bool {
        request.url.query() == Some(self.0)
    }
}

#[tokio::test]
async fn a_list_is_read_by_its_links_and_an_array_is_a_list() {
    let server = MockServer::start().await;
    let item = |number: u32| json!({"id": number});
    let first = json!({
        "results": [item(1), item(2)],
        "links": [{"rel": "next", "href": "https://elsewhere.example/x?pageNum=7&cursor=a%2Fb"}],
    });
    let last = json!({"results": [item(3)], "links": [{"rel": "self", "href": "/x?pageNum=7"}]});
    Mock::given(From("itemsPerPage=500"))
        .respond_with(ResponseTemplate::new(200).set_body_json(first))
        .mount(&server)
        .await;
    Mock::given(From("pageNum=7&cursor=a%2Fb"))
        .respond_with(ResponseTemplate::new(200).set_body_json(last))
        .mount(&server)
        .await;
    let client = client(&server);
    let items: Vec<Value> = client
        .call("listGroups")
        .items()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(items, [item(1), item(2), item(3)]);

    Mock::given(path(format!(
        "/api/atlas/v2/groups/{GROUP}/customDBRoles/roles"
    )))
    .respond_with(ResponseTemplate::new(200).set_body_json([item(1)]))
    .mount(&server)
    .await;
    let roles = client
        .call("listGroupCustomDbRoleRoles")
        .parameter("groupId", GROUP);
    let items: Vec<Value> = roles.items().try_collect().await.unwrap();
    assert_eq!(items, [item(1)]);
}

#[tokio::test]
async fn a_list_without_links_ends_with_a_short_page_and_a_cycle_is_an_error() {
    let server = MockServer::start().await;
    let page =
        |items: Vec<u32>| ResponseTemplate::new(200).set_body_json(json!({"results": items}));
    for (number, items) in [("2", vec![3, 4]), ("3", vec![5])] {
        Mock::given(query_param("pageNum", number))
            .respond_with(page(items))
            .mount(&server)
            .await;
    }
    Mock::given(query_param_is_missing("pageNum"))
        .respond_with(page(vec![1, 2]))
        .mount(&server)
        .await;
    let client = client(&server);
    let list = client.call("listGroups").parameter("itemsPerPage", 2);
    let items: Vec<Value> = list.items().try_collect().await.unwrap();
    assert_eq!(items, [1, 2, 3, 4, 5]);

    server.reset().await;
    let circle = json!({"results": [1], "links": [{"rel": "next", "href": "/x?cursor=a"}]});
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(circle))
        .mount(&server)
        .await;
    let items: Result<Vec<Value>, Error> = client.call("listGroups").items().try_collect().await;
    let error = items.unwrap_err();
    let repeated = matches!(
        error.kind(),
        ErrorKind::List {
            problem: PagingError::Cycle { .. } | PagingError::Repeated { .. },
            ..
        }
    );
    assert!(repeated, "{error}");
    let asked = server.received_requests().await.unwrap().len();
    assert!(asked < Paging::MAX_PAGES as usize / 1000, "{asked}");
}

#[tokio::test]
async fn links_in_the_response_of_a_post_are_not_followed() {
    let server = MockServer::start().await;
    let page = json!({"results": [1], "links": [{"rel": "next", "href": "/x?pageNum=2"}]});
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page))
        .mount(&server)
        .await;
    let call = client(&server)
        .call("createGroupAccessListEntry")
        .parameter("groupId", GROUP)
        .json(json!([]));
    let items: Vec<Value> = call.items().try_collect().await.unwrap();
    assert_eq!(items, [1]);
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}
