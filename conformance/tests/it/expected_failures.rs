//! Lists of expected failures: what they accept, and what is wrong in them.

use crate::program::{DONE, judge, judged, pattern_cases, replies, said};

/// Returns a folder with a list of the client `x`.
fn lists(list: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.json"), list).unwrap();
    folder
}

const WRONG: &str = r#"echo '{"outcome": {"kind": "unreadable", "status": 777}}'"#;

#[test]
fn an_invalid_list_is_one_line_that_names_file_and_case_before_any_case_runs() {
    for (list, problem) in [
        (
            r#"[{"reason": "r", "verdict": "PASS", "cases": ["a/b"]}]"#,
            "invalid verdict \"PASS\": expected CRASHED or SILENT",
        ),
        (
            r#"[{"reason": "r", "verdict": "ERROR", "cases": ["a/b"]}]"#,
            "invalid verdict \"ERROR\"",
        ),
        (
            r#"[{"reason": "r", "verdict": "FAIL", "cases": ["a/b"]}]"#,
            "or none for FAIL and WARN",
        ),
        (
            r#"[{"reason": "r", "verdict": "odd", "cases": ["a/b"]}]"#,
            "invalid verdict \"odd\"",
        ),
        (r#"[{"reason": " ", "cases": ["a/b"]}]"#, "empty reason"),
        (
            r#"[{"reason": "r", "cases": ["a/b", "a/b"]}]"#,
            "listed twice",
        ),
        (
            r#"[{"reason": "r", "cases": ["a/b"]}, {"reason": "s", "cases": ["a/b"]}]"#,
            "listed twice",
        ),
    ] {
        let folder = lists(list);
        let options = ["--filter", "pattern/clusterName/", "--expected-failures"];
        let options = [&options[..], &[folder.path().to_str().unwrap()]].concat();
        let (code, said) = judged(&options, &replies(DONE, WRONG));
        assert_eq!(code, Some(2), "{list}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        let path = folder.path().join("x.json");
        let start = format!(
            "error: invalid expected failures in {}: case \"a/b\": ",
            path.display()
        );
        assert!(said.starts_with(&start) && said.contains(problem), "{said}");
    }
}

#[test]
fn a_listed_failure_may_not_show_a_secret_unless_the_list_says_so() {
    let in_output =
        r#"echo '{"outcome": {"kind": "unreadable", "status": 777}, "output": "test''pass"}'"#;
    let crashed = r#"echo '{"outcome": {"kind": "crashed"}, "output": "test''pass"}'"#;
    let in_stderr = format!("echo test''pass >&2; {WRONG}");
    let exit = "echo test''pass >&2; exit 3";
    let later = format!("{WRONG}; echo test''pass");
    for (to_run, verdict) in [
        (in_output, None),
        (&in_stderr, None),
        (crashed, Some("CRASHED")),
        (exit, Some("CRASHED")),
        (&later, Some("CRASHED")),
    ] {
        for leaks in [false, true] {
            let mut entry = serde_json::json!({"reason": "r", "cases": ["digest/opaque"]});
            if let Some(verdict) = verdict {
                entry["verdict"] = verdict.into();
            }
            if leaks {
                entry["leaks"] = true.into();
            }
            let folder = lists(&serde_json::json!([entry]).to_string());
            let options = ["--case", "digest/opaque", "--expected-failures"];
            let options = [&options[..], &[folder.path().to_str().unwrap()]].concat();
            let (code, said) = judged(&options, &replies(DONE, to_run));
            assert_eq!(code, Some(i32::from(!leaks)), "{entry} {to_run}: {said}");
            let hint = "listed:   a secret was shown, which is expected only with \"leaks\": true";
            assert_eq!(said.contains(hint), !leaks, "{said}");
            assert!(!said.contains("testpass"), "{said}");
        }
    }
}

#[test]
fn a_listed_case_with_another_verdict_says_which_one_is_listed() {
    let case = pattern_cases().remove(0).0;
    let refuses = r#"echo '{"outcome": {"kind": "refused"}}'"#;
    for (verdict, to_run, hint) in [
        (
            "",
            "exit 3",
            "listed:   without a verdict; if CRASHED is expected, add \"verdict\": \"CRASHED\"\n",
        ),
        (
            r#""verdict": "CRASHED","#,
            refuses,
            "listed:   with \"verdict\": \"CRASHED\"; if FAIL is expected, remove the verdict\n",
        ),
    ] {
        let list = format!(r#"[{{"reason": "r", {verdict} "cases": ["{case}"]}}]"#);
        let folder = lists(&list);
        let junit = folder.path().join("out.xml");
        let (folder, report) = (folder.path().to_str().unwrap(), junit.to_str().unwrap());
        let options = [
            "--case",
            &case,
            "--expected-failures",
            folder,
            "--junit",
            report,
        ];
        let (code, said) = judged(&options, &replies(DONE, to_run));
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(hint), "{hint}: {said}");
        assert!(
            std::fs::read_to_string(&junit)
                .unwrap()
                .contains("listed:   with")
        );
    }
}

#[test]
fn a_client_that_changes_its_name_cannot_escape_its_list() {
    let case = pattern_cases().remove(0).0;
    let folder = tempfile::tempdir().unwrap();
    let script = replies(DONE, WRONG).replace("\"x\"", "\"x-'$$'\"");
    let options = [
        "--case",
        &case,
        "--expected-failures",
        folder.path().to_str().unwrap(),
    ];
    let (code, said) = judged(&options, &script);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("has another name than at its first start, \"x-"),
        "{said}"
    );
    // Without a list, the name is only shown.
    let (code, said) = judged(&["--case", &case], &script);
    assert_eq!(code, Some(1), "{said}");
}

#[test]
fn the_name_of_a_server_cannot_lead_out_of_the_folder_of_lists() {
    for name in ["../x", "", ".x", "a/b", "a b"] {
        let arguments = ["server", "http://127.0.0.1:1", "--name", name];
        let said = said(&judge(&arguments).output().unwrap());
        let start = format!("error: invalid testee name {name:?}: expected 1 to 64 ASCII letters");
        assert!(said.starts_with(&start), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
