//! Turns a pattern case into a request to a server.

use crate::case::{Flow, PatternCase, Predicates, ServerRequest, Step};
use crate::fixtures::DOCUMENTED;

/// Returns the flow with the text of a pattern case in a request, and the predicates on the
/// response.
pub(crate) fn pattern_flow(case: &PatternCase) -> Flow {
    let mut asked = ServerRequest::default();
    let name = case.field.clone();
    let operation = match case.field.as_str() {
        "groupId" => "getGroup",
        "clusterName" => "getGroupCluster",
        "snapshotId" => "getGroupFlexClusterBackupSnapshot",
        _ => DOCUMENTED,
    };
    asked.operation = Some(operation.to_owned());
    if name == "targetDeploymentItemName" {
        asked.json = Some(serde_json::json!({
            "snapshotId": "${tenant.snapshot}",
            "targetDeploymentItemName": case.text,
        }));
    } else {
        asked.parameters.insert(name, case.text.clone());
    }
    let mut expect = Predicates::default();
    if case.accepted {
        // A resource with a matching name or id need not exist.
        expect.status = vec![200, 404];
    } else {
        expect.status = vec![400, 404, 405];
        expect.error = Some("?".to_owned());
        if operation == DOCUMENTED {
            expect.status = vec![400];
        }
        let not_there = ["CLUSTER_NOT_FOUND", "GROUP_NOT_FOUND"];
        expect.body_without = not_there.map(str::to_owned).to_vec();
    }
    Flow {
        world: None,
        steps: vec![Step::of(asked, expect)],
    }
}
