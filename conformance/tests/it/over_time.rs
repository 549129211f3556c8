//! Tests of server cases that repeat a request while time passes.

use atlas_conformance::{Case, Verdict, judge_server, sandbox};
use serde_json::{Value, json};

/// Runs steps against the sandbox and returns the verdict and its explanation.
async fn judged(steps: Value) -> (Verdict, String) {
    let case = json!({
        "id": "a/b", "area": "a", "level": "MUST", "since": "2023-01-01",
        "requires": "The server does it.", "source": "recorded: it", "flow": {"steps": steps},
    });
    let case: Case = serde_json::from_value(case).unwrap();
    let (_server, testee) = sandbox().await.unwrap();
    let judgement = judge_server(&testee, &case).await;
    (judgement.verdict, judgement.explained())
}

/// Returns steps that restore a Flex cluster and follow the status of the job.
fn restore(through: &[&str], every: u32) -> Value {
    let body = json!({"snapshotId": "${flex.snapshot}", "targetDeploymentItemName": "${flex}"});
    json!([
        {"request": {"operation": "createGroupFlexClusterBackupRestoreJob", "json": body}, "save": {"job": "/id"}},
        {
            "request": {"operation": "getGroupFlexClusterBackupRestoreJob", "parameters": {"restoreJobId": "${job}"}},
            "through": {"at": "/status", "values": through},
            "every": every,
            "repeat": 300,
        },
    ])
}

#[tokio::test]
async fn a_value_is_followed_while_time_passes() {
    let all = ["PENDING?", "QUEUED?", "RUNNING", "COMPLETED"];
    let (verdict, explained) = judged(restore(&all, 5)).await;
    assert_eq!(verdict, Verdict::Pass, "{explained}");
}

#[tokio::test]
async fn without_time_a_value_does_not_reach_its_end() {
    let all = ["PENDING?", "QUEUED?", "RUNNING?", "COMPLETED"];
    let (verdict, explained) = judged(restore(&all, 0)).await;
    assert_eq!(verdict, Verdict::Fail);
    assert!(explained.contains("values of /status"), "{explained}");
}

#[tokio::test]
async fn other_values_are_a_failure() {
    let (verdict, explained) = judged(restore(&["PENDING?", "FAILED"], 5)).await;
    assert_eq!(verdict, Verdict::Fail);
    let values = "values of /status: required PENDING? → FAILED, seen PENDING";
    assert!(explained.contains(values), "{explained}");
}

#[tokio::test]
async fn each_repetition_has_its_own_number() {
    let provider = json!({"backingProviderName": "AWS", "regionName": "US_EAST_1"});
    let made = |name: &str| {
        let body = json!({"name": name, "providerSettings": provider});
        let request = json!({"operation": "createGroupFlexCluster", "json": body});
        json!([{"request": request, "repeat": 3, "expect": {"status": [201]}}])
    };
    let (verdict, explained) = judged(made("Another-${turn}")).await;
    assert_eq!(verdict, Verdict::Pass, "{explained}");
    let (verdict, _) = judged(made("Another")).await;
    assert_eq!(
        verdict,
        Verdict::Fail,
        "the second one has the name of the first"
    );
}
