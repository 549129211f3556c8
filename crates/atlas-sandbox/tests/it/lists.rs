//! Links: those between the pages of a list, and those of resources.

use std::collections::BTreeMap;

use atlas_sandbox::{CLUSTER, FLEX_CLUSTER, OWNER, PROJECT, Sandbox};
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json as value};

use crate::world::{json, now};

const BASE: &str = "https://sandbox.example:8443";

/// A list, and the targets of its links by relation.
fn list(target: &str) -> (Value, BTreeMap<String, String>) {
    let mut sandbox = Sandbox::new();
    sandbox.set_base_url(BASE);
    let request = Request::get(target)
        .header("authorization", format!("Bearer {}", OWNER.access_token))
        .header("accept", "application/vnd.atlas.2025-02-19+json")
        .body(Bytes::new())
        .unwrap();
    let answer = json(&sandbox.handle(now(), request));
    let links = answer["links"].as_array().unwrap().iter().map(|link| {
        let text = |name: &str| link[name].as_str().unwrap().to_owned();
        (text("rel"), text("href"))
    });
    let links = links.collect();
    (answer, links)
}

fn flex(query: &str) -> String {
    format!("/api/atlas/v2/groups/{PROJECT}/flexClusters/{FLEX_CLUSTER}/backup/snapshots{query}")
}

#[test]
fn the_links_of_a_page_keep_the_host_the_path_and_the_other_parameters() {
    for (asked, expected) in [
        ("", "?pageNum=%&itemsPerPage=100"),
        ("?itemsPerPage=3", "?pageNum=%&itemsPerPage=3"),
        (
            "?pretty=true&page%4Eum=2&itemsPerPage=3&envelope=true",
            "?pretty=true&envelope=true&pageNum=%&itemsPerPage=3",
        ),
        (
            "?pageNum=1&includeCount=false&pageNum=2&itemsPerPage=3",
            "?includeCount=false&pageNum=%&itemsPerPage=3",
        ),
    ] {
        let (_, links) = list(&flex(asked));
        let number = if asked.contains('2') { 2 } else { 1 };
        for (rel, number) in [
            ("previous", number - 1),
            ("self", number),
            ("next", number + 1),
        ] {
            if let Some(href) = links.get(rel) {
                let query = expected.replace('%', &number.to_string());
                assert_eq!(*href, format!("{BASE}{}", flex(&query)), "{asked} {rel}");
            }
        }
        assert!(links.contains_key("self"), "{asked}");
    }
}

#[test]
fn a_page_has_links_to_the_neighbours_that_exist() {
    for (asked, rels) in [
        ("?itemsPerPage=3", &["next", "self"][..]),
        ("?itemsPerPage=3&pageNum=2", &["next", "previous", "self"]),
        ("?itemsPerPage=3&pageNum=3", &["previous", "self"]),
        ("?itemsPerPage=8", &["self"]),
        ("?itemsPerPage=8&pageNum=2", &["previous", "self"]),
    ] {
        let (_, links) = list(&flex(asked));
        assert_eq!(links.keys().collect::<Vec<_>>(), rels, "{asked}");
    }
    let (answer, links) = list(&flex("?itemsPerPage=3&pageNum=4294967295"));
    assert_eq!(answer["results"].as_array().unwrap().len(), 0);
    assert!(links["previous"].contains("pageNum=3&"), "{links:?}");
}

#[test]
fn following_the_next_links_gives_each_item_once() {
    let (whole, _) = list(&flex(""));
    let mut target = flex("?itemsPerPage=3");
    let mut items = Vec::new();
    loop {
        let (page, links) = list(&target);
        items.extend(page["results"].as_array().unwrap().clone());
        match links.get("next") {
            Some(next) => target = next.strip_prefix(BASE).unwrap().to_owned(),
            None => break,
        }
    }
    assert_eq!(Value::Array(items), whole["results"]);
}

#[test]
fn a_list_without_pages_has_a_link_to_the_requested_url() {
    let path = format!("/api/atlas/v2/groups/{PROJECT}/clusters/{CLUSTER}/backup/tenant/snapshots");
    for query in ["", "?pretty=true", "?itemsPerPage=1"] {
        let (answer, links) = list(&format!("{path}{query}"));
        let own = ("self".to_owned(), format!("{BASE}{path}{query}"));
        assert_eq!(links, BTreeMap::from([own]));
        let count = answer["results"].as_array().unwrap().len();
        assert_eq!(answer["totalCount"], count);
    }
}

#[test]
fn the_links_of_resources_are_encoded_as_clients_encode_paths() {
    let mut sandbox = Sandbox::new();
    sandbox.set_base_url(BASE);
    let users = format!("/api/atlas/v2/groups/{PROJECT}/databaseUsers");
    let user = value!({"databaseName": "$external", "groupId": PROJECT,
        "username": "a b?#é/%:@", "x509Type": "CUSTOMER",
        "roles": [{"databaseName": "admin", "roleName": "read"}]});
    let mut ask = |method: &str, path: &str, body: Bytes| {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", OWNER.access_token))
            .header("accept", "application/vnd.atlas.2023-01-01+json")
            .header("content-type", "application/json")
            .body(body)
            .unwrap();
        json(&sandbox.handle(now(), request))
    };
    let created = ask("POST", &users, user.to_string().into());
    let path = format!("{users}/$external/a%20b%3F%23%C3%A9%2F%25:@");
    let links = value!([{"rel": "self", "href": format!("{BASE}{path}")}]);
    assert_eq!(created["links"], links, "{created}");
    assert_eq!(ask("GET", &path, Bytes::new()), created);

    let processes = format!("/api/atlas/v2/groups/{PROJECT}/processes");
    for process in ask("GET", &processes, Bytes::new())["results"]
        .as_array()
        .unwrap()
    {
        let id = process["id"].as_str().unwrap();
        let links = value!([{"rel": "self", "href": format!("{BASE}{processes}/{id}")}]);
        assert_eq!(process["links"], links);
    }
}

#[test]
fn a_link_to_the_requested_url_is_a_url_whatever_the_request_contains() {
    let (_, links) = list(&flex("?itemsPerPage=1&odd={|}^`é"));
    let next = "?odd=%7B%7C%7D%5E%60%C3%A9&pageNum=2&itemsPerPage=1";
    assert_eq!(links["next"], format!("{BASE}{}", flex(next)));
}
