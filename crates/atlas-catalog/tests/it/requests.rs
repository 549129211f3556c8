//! Requests, compared with an independent reading of the facts.

use atlas_catalog::{Operation, RequestError};
use fastrand::Rng;
use serde_json::{Value, json};

use crate::facts::{operations, read};
use crate::samples::Maker;

/// Percent-encodes as in RFC 3986, by hand.
fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[test]
fn every_request_agrees_with_the_facts() {
    let facts = read("facts.json");
    let mut asked = 0;
    for one in operations(&facts) {
        let operation = Operation::find(one["id"].as_str().unwrap()).unwrap();
        let mut maker = Maker {
            schemas: &facts["schemas"],
            random: Rng::with_seed(1),
            odd: 0,
            without: "readOnly",
        };
        let mut path = one["path"].as_str().unwrap().to_owned();
        let mut query = Vec::new();
        let mut headers = Vec::new();
        let mut request = operation.request();
        for given in one["parameters"].as_array().unwrap() {
            let given = match given["$ref"].as_str() {
                Some(name) => &facts["parameters"][name],
                None => given,
            };
            let name = given["name"].as_str().unwrap();
            let mut values = match maker.value(&given["schema"], 1) {
                Value::Array(values) => values,
                value => vec![value],
            };
            if values.is_empty() {
                values.push(maker.value(&given["schema"]["items"], 1));
            }
            for value in values {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                request = request.parameter(name, &text);
                match given["in"].as_str().unwrap() {
                    "path" => path = path.replace(&format!("{{{name}}}"), &encode(&text)),
                    "query" => query.push(format!("{}={}", encode(name), encode(&text))),
                    _ => headers.push((name.to_ascii_lowercase(), text)),
                }
            }
        }
        let target = if query.is_empty() {
            path
        } else {
            format!("{path}?{}", query.join("&"))
        };
        for version in one["versions"].as_array().unwrap() {
            let name = version["version"].as_str().unwrap();
            let mut request = request.clone().version(name);
            let body = version["request"]["json"]
                .is_object()
                .then(|| json!({"a": [1, "é"]}));
            if let Some(body) = &body {
                request = request.json(body.clone());
            }
            let built = request.build();
            let built = built.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(built.method().as_str(), one["method"]);
            assert_eq!(built.uri().to_string(), target, "{operation}");
            let responses = version["responses"].as_object().unwrap();
            let formats = responses
                .values()
                .flat_map(|formats| formats.as_object().unwrap().keys());
            let formats: Vec<&String> = formats.collect();
            let format = if formats.iter().any(|one| *one == "json") {
                "json"
            } else {
                formats[0]
            };
            let mut expected = vec![(
                "accept".to_owned(),
                format!("application/vnd.atlas.{name}+{format}"),
            )];
            expected.extend(headers.iter().cloned());
            if let Some(body) = &body {
                expected.push((
                    "content-type".to_owned(),
                    format!("application/vnd.atlas.{name}+json"),
                ));
                assert_eq!(
                    serde_json::from_slice::<Value>(built.body()).unwrap(),
                    *body
                );
            } else {
                assert!(built.body().is_empty());
            }
            let mut found: Vec<(String, String)> = built
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect();
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, expected, "{operation}");
        }
        asked += 1;
    }
    assert_eq!(asked, 546);
}

#[test]
fn an_invalid_request_is_refused_with_one_line() {
    let find = |id| Operation::find(id).unwrap().request();
    let group = "32b6e34b3d91647abb20e7b8";
    let cases = [
        (
            find("getGroup"),
            "invalid parameters of getGroup: groupId: required parameter is missing",
        ),
        (
            find("getGroup").parameter("groupId", "nope"),
            "invalid parameters of getGroup: groupId: expected 24 lowercase hex digits, found \"nope\"",
        ),
        (
            find("getGroup")
                .parameter("groupId", group)
                .parameter("grupId", "x\u{1b}"),
            "invalid parameters of getGroup: grupId: unknown parameter; did you mean groupId?",
        ),
        (
            find("getGroup")
                .parameter("groupId", group)
                .parameter("pretty", "yes"),
            "invalid parameters of getGroup: pretty: expected true or false, found \"yes\"",
        ),
        (
            find("listGroups").parameter("itemsPerPage", 501),
            "invalid parameters of listGroups: itemsPerPage: expected at most 500, found \"501\"",
        ),
        (
            find("listGroups")
                .parameter("pageNum", 1)
                .parameter("pageNum", 2),
            "invalid parameters of listGroups: pageNum: expected one value, since it is not an array",
        ),
        (
            find("getGroup")
                .parameter("groupId", group)
                .version("2020-01-01"),
            "getGroup has no version \"2020-01-01\": expected 2023-01-01 or a later date",
        ),
        (
            find("getGroup").parameter("groupId", group).json(json!({})),
            "getGroup does not accept a request body; remove it",
        ),
        (find("createGroup"), "createGroup requires a request body"),
        (
            find("getGroup").parameter("groupId", group).format("csv"),
            "getGroup does not support format \"csv\"; see its documented formats",
        ),
    ];
    for (request, reported) in cases {
        assert_eq!(request.build().unwrap_err().to_string(), reported);
    }
    for odd in ["", ".", "..", "a\nb"] {
        let request = find("getGroupCluster")
            .parameter("groupId", group)
            .parameter("clusterName", odd);
        assert!(
            matches!(request.build(), Err(RequestError::Parameters { .. })),
            "{odd:?}"
        );
    }
}

#[test]
fn each_parameter_may_be_repeated_up_to_its_maximum() {
    const GROUP: (&str, &str) = ("groupId", "32b6e34b3d91647abb20e7b8");
    let reported = |id: &str, given: &[(&str, &str)]| -> Vec<String> {
        let operation = Operation::find(id).unwrap();
        let given = [&[GROUP], given].concat();
        let found = operation.check_parameters(given);
        found.iter().map(ToString::to_string).collect()
    };
    let members = |count| vec![("clusterName", "a"); count];
    assert!(reported("getGroupActivityFeed", &members(20)).is_empty());
    assert_eq!(
        reported("getGroupActivityFeed", &members(21)),
        ["clusterName: expected at most 20 values"]
    );
    assert_eq!(
        reported("getGroup", &[GROUP]),
        ["groupId: expected one value, since it is not an array"]
    );
    let process = [("processId", "a:27017")];
    let found = reported("getGroupHostFtsMetricIndexMeasurements", &process);
    let missing = "granularity: required parameter is missing".to_owned();
    assert!(found.contains(&missing), "{found:?}");
    let given = [process[0], ("granularity", "PT1M")];
    let found = reported("getGroupHostFtsMetricIndexMeasurements", &given);
    assert!(!found.contains(&missing), "{found:?}");
    assert_eq!(
        reported("getGroup", &[("zzzzzzzzzz", "1")]),
        ["zzzzzzzzzz: unknown parameter"]
    );
}
