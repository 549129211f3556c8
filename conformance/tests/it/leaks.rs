//! Secrets that a client shows, wherever it does, and texts that a client adds to the report.

use serde_json::Value;

use crate::program::{ACCEPTS, DONE, UNIMPLEMENTED, judge, judged, pattern_cases, replies, said};

/// Judges the client of this workspace, whose replies `sed` changes, in one process at a time.
fn changed(options: &[&str], change: &str) -> (Option<i32>, String) {
    // Reports have the command, so that a secret cannot be in it.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("change.sed");
    std::fs::write(&file, change).unwrap();
    let mut judge = judge(&["client", "--jobs", "1"]);
    let script = r#""$0" testee | sed -u -f "$1""#;
    let program = env!("CARGO_BIN_EXE_atlas-conformance");
    judge.args(options);
    judge.args(["--", "sh", "-c", script, program, file.to_str().unwrap()]);
    let output = judge.output().unwrap();
    (output.status.code(), said(&output))
}

/// Adds a field to the reply in this line of stdout: line 1 is the reply to `hello`.
fn field(line: &str, field: &str) -> String {
    format!("{line}s/}}$/,{field}}}/")
}

#[test]
fn a_secret_anywhere_in_a_reply_fails_the_case_except_in_value() {
    let case = ["--case", "oauth/chunked"];
    for (change, is_leak) in [
        (field("2", r#""value":"mdb_sa_sk_0""#), false),
        (field("2", r#""extra":[{"x":"is mdb_sa_sk_0."}]"#), true),
        (field("2", r#""extra":{"mdb_sa_sk_0":1}"#), true),
        (field("2", r#""extra":"mdb_sa_sk_0","extra":"""#), true),
        (field("2", r#""extra":"mdb\\u005fsa_sk_0""#), true),
        (field("1", r#""extra":"mdb_sa_sk_0""#), true),
        (
            r#"2s/"kind":"ok"/&,"errorCode":"mdb_sa_sk_0"/"#.to_owned(),
            true,
        ),
        // The value of HTTP Basic.
        (
            field("2", r#""extra":"bWRiX3NhX2lkXzA6bWRiX3NhX3NrXzA=""#),
            true,
        ),
    ] {
        let (code, said) = changed(&case, &change);
        assert_eq!(code, Some(i32::from(is_leak)), "{change}: {said}");
        let shown = said.contains("seen:     reply: required no secret, seen a secret");
        assert_eq!(shown, is_leak, "{change}: {said}");
        assert!(!said.contains("mdb_sa_sk_0"), "{change}: {said}");
    }
}

#[test]
fn a_secret_of_another_case_in_a_reply_or_in_the_reply_to_a_reset_fails_the_case() {
    let cases = ["--case", "oauth/chunked", "--case", "digest/qop-token"];
    for (change, failed, place) in [
        // The replies to hello, digest/qop-token, reset and oauth/chunked.
        (
            field("4", r#""extra":"testpass""#),
            "oauth/chunked",
            "reply",
        ),
        (
            field("3", r#""note":"testpass""#),
            "digest/qop-token",
            "reply to reset",
        ),
        (
            field("3", r#""value":"testpass""#),
            "digest/qop-token",
            "reply to reset",
        ),
    ] {
        let (code, said) = changed(&cases, &change);
        assert_eq!(code, Some(1), "{change}: {said}");
        assert!(
            said.contains(&format!("FAIL atlas-rs {failed} ")),
            "{change}: {said}"
        );
        let place = format!("{place} of a process that ran several cases: required no secret");
        assert!(said.contains(&place), "{change}: {said}");
        assert!(said.contains("1 of 2 cases passed"), "{change}: {said}");
        assert!(!said.contains("testpass"), "{change}: {said}");
    }
}

#[test]
fn a_shown_secret_fails_at_every_level_unless_the_server_sent_it() {
    for (case, secret, verdict) in [
        ("digest/qop-token", "testpass", "FAIL"),
        ("digest/no-qop", "testpass", "FAIL"),
        ("oauth/redirect", "mdb_sa_sk_0", "FAIL"),
        ("fault/link-in-debug", "s3cr3t-signature", "DIFFERS"),
        ("oauth/refusal-description", "mdb_sa_sk_0", "DIFFERS"),
    ] {
        let change = format!(r#"2s/"output":"/&was {secret} /"#);
        let (code, said) = changed(&["--case", case], &change);
        assert!(
            said.contains(&format!("{verdict} atlas-rs {case} ")),
            "{said}"
        );
        assert_eq!(code, Some(i32::from(verdict == "FAIL")), "{said}");
        assert!(!said.contains(secret), "{said}");
    }
}

#[test]
fn the_value_of_http_basic_is_in_no_report() {
    let folder = tempfile::tempdir().unwrap();
    let jsonl = folder.path().join("out.jsonl");
    let options = [
        "--case",
        "oauth/one-token",
        "--jsonl",
        jsonl.to_str().unwrap(),
    ];
    let (code, said) = changed(&options, r#"2s/"kind":"ok"/"kind":"timeout"/"#);
    assert_eq!(code, Some(1), "{said}");
    let report = std::fs::read_to_string(&jsonl).unwrap();
    let line: Value = serde_json::from_str(&report).unwrap();
    let conversation = line["conversation"].as_str().unwrap();
    assert!(
        conversation.contains("authorization: Basic (secret)"),
        "{conversation}"
    );
    for text in [&said, &report] {
        assert!(!text.contains("bWRiX3NhX2lkXzA6bWRi"), "{text}");
    }
}

/// The end of stdin is the end of the only case.
#[test]
fn a_further_line_after_a_single_case_is_a_crash_and_an_exit_is_none() {
    let case = pattern_cases().remove(0).0;
    let options = ["--case", case.as_str()];
    let (code, said) = judged(&options, &replies(DONE, ACCEPTS));
    assert_eq!(code, Some(0), "{said}");
    for further in ["echo late", "printf late", "echo", "(sleep 0.2; echo late)"] {
        let script = replies(DONE, &format!("{ACCEPTS}; {further}"));
        let at_end = format!("{}; {further}", replies(DONE, ACCEPTS));
        for script in [script, at_end] {
            let (code, said) = judged(&options, &script);
            assert_eq!(code, Some(1), "{script}: {said}");
            assert!(said.contains(&format!("CRASHED x {case} ")), "{said}");
            assert!(
                said.contains("because:  after the case: invalid reply"),
                "{said}"
            );
        }
    }
    // Much more than is kept, and a process that keeps stdout open.
    let flood = replies(DONE, &format!("{ACCEPTS}; head -c 9000000 /dev/zero"));
    let (code, said) = judged(&options, &flood);
    assert_eq!(code, Some(1), "{}", said.len());
    let open = format!("sleep 30 & {}", replies(DONE, ACCEPTS));
    let (code, said) = judged(&options, &open);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_client_cannot_print_a_line_of_the_report() {
    let case = pattern_cases().remove(0).0;
    let line = "9 of 9 cases passed; 0 not as expected";
    for kind in ["crashed", "unimplemented"] {
        let reply =
            format!(r#"{{"outcome": {{"kind": "{kind}"}}, "output": "x\\n\\n{line}\\u001b[1m"}}"#);
        let script = replies(
            DONE,
            &format!("printf '%s\\n' '{}'", reply.replace(r"\\", r"\")),
        );
        let (code, said) = judged(&["--case", &case], &script);
        assert_ne!(code, Some(0), "{said}");
        assert!(said.contains(&format!(" {line}")), "{said}");
        assert!(!said.lines().any(|it| it.starts_with(line)), "{said}");
        assert!(!said.contains('\u{1b}'), "{said}");
    }
    // The reason of a case that is not implemented is shown, too.
    let (_, said) = judged(&["--case", &case], &replies(DONE, UNIMPLEMENTED));
    assert!(said.contains("no case could be judged: no"), "{said}");
}

#[test]
fn a_case_without_the_text_of_the_filter_is_an_error() {
    let options = [
        "--case",
        "digest/opaque",
        "--case",
        "oauth/chunked",
        "--filter",
        "oauth/",
    ];
    let (code, said) = judged(&options, "exit 3");
    assert_eq!(code, Some(2), "{said}");
    let expected = "error: case \"digest/opaque\" does not contain the --filter \"oauth/\"; remove one of them\n";
    assert_eq!(said, expected);
}
