//! Tests the Python client in docs/client-authors.md.

use atlas_conformance::{ClientRun, Verdict, all_cases};

const GUIDE: &str = include_str!("../../../docs/client-authors.md");

#[tokio::test(flavor = "multi_thread")]
async fn the_client_in_the_guide_passes_its_cases() {
    let (_, rest) = GUIDE.split_once("```python\n").unwrap();
    let (program, _) = rest.split_once("\n```").unwrap();
    let mut cases = all_cases().unwrap();
    cases.retain(|case| case.id.starts_with("pattern/clusterName/"));
    assert!(!cases.is_empty());
    let command = ["python3", "-c", program].map(str::to_owned);
    let judgements = ClientRun::default().judge(&command, &cases).await.unwrap();
    assert!(
        judgements
            .iter()
            .all(|judged| judged.verdict == Verdict::Pass)
    );
}
