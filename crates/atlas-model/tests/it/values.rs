//! What the values say when they are asked.

use atlas_model::{
    ApiError, CallOptions, Cluster, ClusterName, CollectionName, DatabaseName, Empty, FlexSnapshot,
    GetCluster, ItemsPerPage, ListFlexSnapshots, OPERATIONS, OperationExt, Page, PageNumber,
    Patterned, Payload, ProjectId, ResponseError, RestoreJobRequest, Seen, SnapshotId, SnapshotUrl,
    TenantRestore,
};
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

const ID: &str = "32b6e34b3d91647abb20e7b8";

fn read<T: Payload>(body: &Value) -> T {
    T::read(body.to_string().as_bytes()).unwrap()
}

#[test]
fn a_query_and_a_header_go_out_and_come_back() {
    let (project, cluster) = (ID.parse().unwrap(), ClusterName::parse("Flex0").unwrap());
    let mut list = ListFlexSnapshots::new(project, cluster.clone());
    list.items_per_page = ItemsPerPage::new(7);
    list.page_number = PageNumber::new(3);
    list.include_count = Some(false);
    let request = list.to_request(&CallOptions::default()).unwrap();
    let query = request.uri().query().unwrap();
    assert_eq!(query, "includeCount=false&itemsPerPage=7&pageNum=3");
    let (back, _) = ListFlexSnapshots::from_request(&request).unwrap();
    assert_eq!(back, list);
    assert_eq!(back.items_per_page.unwrap().get(), 7);
    assert_eq!(back.page_number.unwrap().get(), 3);

    let mut get = GetCluster::new(project, cluster);
    let plain = get.to_request(&CallOptions::default()).unwrap();
    assert!(
        !plain
            .headers()
            .keys()
            .any(|key| key.as_str().contains("effective"))
    );
    get.effective_instance_fields = Some(true);
    let request = get.to_request(&CallOptions::default()).unwrap();
    let header = request
        .headers()
        .keys()
        .find(|key| key.as_str().contains("effective"));
    assert!(header.is_some(), "{request:?}");
    let (back, _) = GetCluster::from_request(&request).unwrap();
    assert_eq!(back, get);
}

#[test]
fn false_is_a_choice_and_not_an_odd_one() {
    let options = CallOptions::from_query("envelope=false&pretty=true").unwrap();
    assert!(!options.envelope && options.pretty);
    assert!(CallOptions::from_query("envelope=no").is_err());
}

#[test]
fn a_page_gives_its_items_and_says_where_it_strays() {
    let page: Page<FlexSnapshot> = read(&json!({"results": [{"id": ID}], "totalCount": 1}));
    assert_eq!(page.items().len(), 1);
    assert_eq!(page.deviations(), []);
    let written: Value = serde_json::from_slice(&page.write(false).unwrap()).unwrap();
    assert_eq!(written, json!({"results": [{"id": ID}], "totalCount": 1}));
    assert!(page.write(true).unwrap().contains(&b'\n'));
    assert_eq!(page.into_items().len(), 1);
    let fields = |body: Value| {
        let page: Page<FlexSnapshot> = read(&body);
        let found = page.deviations().into_iter();
        found
            .map(|it| {
                (
                    it.to_string(),
                    it.field().to_owned(),
                    it.problem().to_owned(),
                )
            })
            .collect::<Vec<_>>()
    };
    let below = fields(json!({"results": [], "totalCount": -1}));
    assert_eq!(
        below,
        [(
            "totalCount: is below 0".into(),
            "totalCount".into(),
            "is below 0".into()
        )]
    );
    assert_eq!(fields(json!({"results": [], "totalCount": 0})), []);
    let odd = fields(json!({"results": [{"id": "odd"}]}));
    assert_eq!((odd.len(), odd[0].1.as_str()), (1, "results[0].id"));
}

#[test]
fn a_list_without_results_strays_where_they_are_documented_as_required() {
    let mut silent = Vec::new();
    for operation in OPERATIONS
        .iter()
        .filter(|it| it.meta.id.starts_with("list"))
    {
        let empty = Response::new(Bytes::from_static(b"{}"));
        let answer = operation.response(empty, &CallOptions::default()).unwrap();
        if !answer.value.iter().any(|it| it.field() == "results") {
            silent.push(operation.meta.id);
        }
    }
    assert_eq!(
        silent,
        [
            "listGroupClusterBackupTenantRestores",
            "listGroupClusterBackupTenantSnapshots",
        ]
    );
}

#[test]
fn an_empty_answer_is_read_and_written_as_nothing() {
    assert_eq!(Empty::read(b"{").unwrap().write(true).unwrap(), b"");
    assert_eq!(Empty.deviations(), []);
}

#[test]
fn a_cluster_says_what_kind_it_is() {
    let kinds = |body: Value| {
        let cluster: Cluster = read(&body);
        (cluster.is_tenant(), cluster.is_sharded())
    };
    let regions = |providers: &[&str]| {
        let regions: Vec<Value> = providers
            .iter()
            .map(|it| json!({"providerName": it}))
            .collect();
        json!({"replicationSpecs": [{"regionConfigs": regions}], "clusterType": "REPLICASET"})
    };
    assert_eq!(
        kinds(json!({"providerSettings": {"providerName": "TENANT"}})),
        (true, false)
    );
    assert_eq!(
        kinds(json!({"providerSettings": {"providerName": "AWS"}})),
        (false, false)
    );
    assert_eq!(kinds(regions(&["TENANT"])), (true, false));
    assert_eq!(kinds(regions(&["TENANT", "AWS"])), (false, false));
    assert_eq!(kinds(regions(&[])), (false, false));
    assert_eq!(kinds(json!({"clusterType": "SHARDED"})), (false, true));
    assert_eq!(kinds(json!({"clusterType": "GEOSHARDED"})), (false, true));
    assert_eq!(kinds(json!({})), (false, false));
}

#[test]
fn a_value_is_there_as_text_whether_valid_or_odd() {
    let valid: Seen<ProjectId> = serde_json::from_value(json!(ID)).unwrap();
    assert_eq!((valid.valid().is_some(), &*valid.text()), (true, ID));
    assert_eq!(valid.to_string(), ID);
    let odd: Seen<ProjectId> = serde_json::from_value(json!("odd")).unwrap();
    assert_eq!(
        (odd.valid(), &*odd.text(), odd.to_string()),
        (None, "odd", "odd".into())
    );
    let wrong = serde_json::from_value::<Seen<ProjectId>>(json!(1)).unwrap_err();
    assert!(wrong.to_string().contains("expected a"), "{wrong}");
    let strict = serde_json::from_value::<ProjectId>(json!(1)).unwrap_err();
    assert_eq!(
        strict.to_string(),
        "invalid type: integer `1`, expected a string (24 lowercase hex digits)"
    );
}

#[test]
fn a_time_is_there_as_text() {
    let restore: TenantRestore = read(&json!({"createdAt": "2026-01-02T03:04:05Z"}));
    let snapshot: FlexSnapshot = read(&json!({"finishTime": "2026-01-02T03:04:05Z"}));
    let time = snapshot.finish_time.unwrap();
    assert_eq!(
        (time.as_str(), time.to_string()),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z".into())
    );
    assert!(!format!("{restore:?}").is_empty());
}

#[test]
fn a_link_is_hidden_and_says_so() {
    let shown = format!("{:?}", SnapshotUrl::new("https://store.example/s3cr3t"));
    assert!(
        !shown.contains("s3cr3t") && shown.contains("SnapshotUrl"),
        "{shown}"
    );
}

#[test]
fn restore_jobs_name_what_they_restore_and_where_to() {
    let (snapshot, project): (SnapshotId, ProjectId) = (ID.parse().unwrap(), ID.parse().unwrap());
    let cluster = ClusterName::parse("There").unwrap();
    let json = |request: RestoreJobRequest| serde_json::to_value(request).unwrap();
    assert_eq!(
        json(RestoreJobRequest::download(snapshot)),
        json!({"deliveryType": "download", "snapshotId": ID})
    );
    assert_eq!(
        json(RestoreJobRequest::automated(
            snapshot,
            project,
            cluster.clone()
        )),
        json!({"deliveryType": "automated", "snapshotId": ID, "targetClusterName": "There", "targetGroupId": ID})
    );
    assert_eq!(
        json(RestoreJobRequest::point_in_time(5, project, cluster)),
        json!({"deliveryType": "pointInTime", "pointInTimeUTCSeconds": 5, "targetClusterName": "There", "targetGroupId": ID})
    );
}

fn refusal(status: u16, body: &Value) -> ResponseError {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    let options = CallOptions::default();
    atlas_model::GetFlexCluster::from_response(response, &options).unwrap_err()
}

#[test]
fn an_error_says_its_likely_causes_in_their_order() {
    let error = |status: u16, code: &str| json!({"error": status, "errorCode": code});
    for (status, code, hint) in [
        (
            400,
            "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API",
            "the cluster is not a Flex cluster",
        ),
        (429, "RATE_LIMITED_TOKEN_BUCKET", "wait before"),
        (500, "UNEXPECTED_ERROR", "try again later"),
        (599, "UNEXPECTED_ERROR", "try again later"),
        (
            404,
            "CLUSTER_NOT_FOUND",
            "; check the cluster's name; check the project id",
        ),
    ] {
        let error = refusal(status, &error(status, code));
        assert!(!error.likely_causes().is_empty(), "{code}");
        assert!(error.to_string().contains(hint), "{error}");
    }
    assert_eq!(refusal(418, &error(418, "TEAPOT")).likely_causes(), []);
    let unreadable = refusal(502, &json!([1]));
    assert!(unreadable.to_string().len() > 20, "{unreadable}");
    let cut: ResponseError = {
        let response = Response::new(Bytes::from_static(b"{\"name\": 1"));
        atlas_model::GetFlexCluster::from_response(response, &CallOptions::default()).unwrap_err()
    };
    assert!(cut.to_string().contains("line 1"), "{cut}");
}

#[test]
fn a_429_says_its_numbers_and_no_other_error_does() {
    let parameters = ["here", "55", "10", "5", "60"].map(Value::from).to_vec();
    let of = |code: &str| {
        let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, code, "");
        error.with_parameters(parameters.clone())
    };
    let throttle = of("RATE_LIMITED_TOKEN_BUCKET").throttle().unwrap();
    assert_eq!(
        (throttle.wait.as_secs(), throttle.capacity, throttle.refill),
        (55, 10, 5)
    );
    assert_eq!(
        (throttle.endpoint.as_str(), throttle.period.as_secs()),
        ("here", 60)
    );
    assert!(of("ANOTHER").throttle().is_none());
    assert_eq!(of("ANOTHER").to_string(), "429 ANOTHER");
}

#[test]
fn two_wrong_digits_side_by_side_are_as_wrong_as_one() {
    for id in [
        "zz".repeat(12),
        format!("gg{}", &ID[2..]),
        format!("{}!!", &ID[2..]),
    ] {
        let error = ProjectId::parse(&id).unwrap_err();
        assert!(error.pattern().contains("[a-f0-9]"), "{id}");
    }
}

#[test]
fn a_body_in_debug_says_how_long_it_is() {
    let response = Response::new(Bytes::from_static(b"{\"name\": \"s3cr3t\"}"));
    let read = atlas_model::GetFlexCluster::from_response(response, &CallOptions::default());
    let shown = format!("{:?}", read.unwrap().body);
    assert!(shown.contains("18") && !shown.contains("s3cr3t"), "{shown}");
}

#[test]
fn a_version_has_ten_characters_and_two_hyphens() {
    for odd in [
        "2025-03-1",
        "2025-03-123",
        "2025/03/12",
        "20250312",
        "2025-0a-12",
        "aaaa-bb-cc",
    ] {
        assert!(odd.parse::<atlas_model::ApiVersion>().is_err(), "{odd}");
    }
}

#[test]
fn a_text_matches_where_it_can_be_parsed_and_nowhere_else() {
    for text in ["sample", "a b", "Größe", "", ".", "..", "a/b"] {
        let parsed = DatabaseName::parse(text).is_ok();
        assert_eq!(DatabaseName::is_match(text), parsed, "{text:?}");
        let parsed = CollectionName::parse(text).is_ok();
        assert_eq!(CollectionName::is_match(text), parsed, "{text:?}");
    }
    assert!(DatabaseName::is_match("sample") && !DatabaseName::is_match(".."));
}
