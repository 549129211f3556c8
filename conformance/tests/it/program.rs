//! The program as its users run it: its output for failures, crashes and timeouts, and its reports.

use std::path::Path;
use std::process::{Command, Output};

use atlas_conformance::{ClientCase, Observation, Outcome, ServerTestee};
use serde_json::Value;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A case with a name that a client must accept.
const ACCEPTED: &str = "pattern/clusterName/accepts-0";

/// Returns a client as a shell script that replies to `hello`; the test has the rest.
fn testee(rest: &str) -> [String; 3] {
    let hello = r#"{"name": "shell", "version": "7", "abilities": ["pattern", "call", "bearer"]}"#;
    let script = format!("read line; echo '{hello}'; read line || exit 0; {rest}");
    ["sh".to_owned(), "-c".to_owned(), script]
}

pub(crate) fn judge(arguments: &[&str]) -> Command {
    let mut judge = Command::new(env!("CARGO_BIN_EXE_atlas-conformance"));
    judge.args(arguments);
    judge
}

fn client(arguments: &[&str], rest: &str) -> Output {
    let mut judge = judge(&["client"]);
    let judge = judge.args(arguments).arg("--").args(testee(rest));
    judge.output().unwrap()
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8([&output.stdout[..], &output.stderr].concat()).unwrap()
}

/// Returns the id and the requirement of a case with a name that a client must accept.
fn pattern_case() -> (String, String) {
    pattern_cases().into_iter().next().expect(ACCEPTED)
}

/// Returns the ids and the requirements of all such cases.
pub(crate) fn pattern_cases() -> Vec<(String, String)> {
    let output = judge(&["client", "--list", "--filter", "pattern/clusterName/"]).output();
    let listed = said(&output.unwrap());
    let lines = listed.lines();
    let taken = lines.filter(|line| line.contains("\tMUST\t") && line.contains("accept"));
    let parsed = taken.map(|line| {
        let mut fields = line.split('\t');
        let (id, _level) = (fields.next().unwrap(), fields.next());
        (id.to_owned(), fields.next().unwrap().to_owned())
    });
    parsed.collect()
}

#[test]
fn a_failure_shows_the_requirement_its_source_the_difference_and_the_command_to_repeat_it() {
    let (case, requires) = pattern_case();
    let refuses = r#"echo '{"outcome": {"kind": "refused"}}'"#;
    let output = client(&["--case", &case], refuses);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in [
        format!("FAIL shell {case} (MUST)\n"),
        format!("  required: {requires}\n"),
        "  source:   facts: pattern of clusterName".to_owned(),
        ": required accepted, seen refused\n".to_owned(),
        format!("  run:      atlas-conformance client --case {case} -- sh -c 'read line; "),
    ] {
        assert!(said.contains(&part), "{part:?} is not in\n{said}");
    }
    // The command works in a shell and has the same verdict.
    let run = said
        .lines()
        .find_map(|line| line.strip_prefix("  run:      atlas-conformance "));
    let run = format!(
        "{} {}",
        env!("CARGO_BIN_EXE_atlas-conformance"),
        run.unwrap()
    );
    let again = Command::new("sh").args(["-c", &run]).output().unwrap();
    assert_eq!(again.status.code(), Some(1), "{run}");
    assert_eq!(again.stdout, output.stdout);
}

#[test]
fn a_client_that_exits_or_prints_an_invalid_reply_has_crashed_and_its_stderr_is_shown() {
    let (case, _) = pattern_case();
    for (rest, reason) in [
        (
            "echo a reason >&2; exit 3",
            "testee ended without a reply to run (exit status: 3)",
        ),
        (
            "echo a reason >&2; kill -9 $$",
            "testee ended without a reply to run (signal: 9",
        ),
        ("echo a reason >&2; echo hm", "invalid reply \"hm\""),
    ] {
        let output = client(&["--case", &case], rest);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("CRASHED shell {case}")), "{said}");
        assert!(
            said.contains(reason) && said.contains("    a reason\n"),
            "{said}"
        );
    }
    let output = judge(&["client", "--", "sh", "-c", "echo no hello >&2; exit 4"]).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("exit status: 4); last line of stderr: \"no hello\""));
}

#[test]
fn a_client_without_a_reply_in_time_is_silent() {
    let (case, _) = pattern_case();
    let output = client(&["--case", &case, "--patience", "1"], "read line");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("SILENT shell {case}")), "{said}");
    assert!(said.contains("timed out after 1 s"), "{said}");
}

/// The variables of the environment test that a client must not inherit.
const WITHHELD: [&str; 5] = [
    "MONGODB_ATLAS_PRIVATE_API_KEY",
    "MCLI_PUBLIC_API_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "GITHUB_TOKEN",
    "ATLAS_SANDBOX_CONTROL_TOKEN",
];

#[test]
fn a_client_does_not_inherit_variables_that_may_hold_credentials() {
    let kept = ["HOME", "SSL_CERT_FILE", "PYTHONPATH", "NODE_OPTIONS"];
    for name in WITHHELD.iter().chain(&kept) {
        let script = format!("read line; echo \"${{{name}-unset}}\" >&2; exit 3");
        let mut judge = judge(&["client", "--", "sh", "-c", &script]);
        for name in WITHHELD.iter().chain(&kept) {
            judge.env(name, "s3cret");
        }
        let said = said(&judge.output().unwrap());
        let seen = if kept.contains(name) {
            "s3cret"
        } else {
            "unset"
        };
        let expected = format!("last line of stderr: \"{seen}\"");
        assert!(said.contains(&expected), "{name}: {said}");
    }
    // A variable that is set in the command is passed on.
    let script = "read line; echo \"$GITHUB_TOKEN\" >&2; exit 3";
    let set = "GITHUB_TOKEN=s3cret";
    let mut judge = judge(&["client", "--", "env", set, "sh", "-c", script]);
    let said = said(&judge.output().unwrap());
    assert!(said.contains("last line of stderr: \"s3cret\""), "{said}");
}

/// Returns a folder with one case, which a client that refuses everything does not pass.
fn folder(level: &str, source: &str) -> tempfile::TempDir {
    let case = serde_json::json!([{
        "id": "pattern/<b>", "area": "pattern", "level": level, "since": "2023-01-01",
        "requires": "The client accepts <b>.", "source": source,
        "pattern": {"field": "clusterName", "text": "b", "accepted": true},
    }]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("below")).unwrap();
    std::fs::write(folder.path().join("below/cases.json"), case.to_string()).unwrap();
    folder
}

#[test]
fn a_client_that_sent_a_request_cannot_report_unimplemented() {
    let reply = r#"echo '{"outcome": {"kind": "unimplemented"}, "output": "no way"}'"#;
    let case = ["--case", "api/client-getSystemStatus"];
    let output = client(&case, reply);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(
        said(&output).contains("UNIMPLEMENTED shell"),
        "{}",
        said(&output)
    );
    assert!(
        said(&output).contains("because:  no way"),
        "{}",
        said(&output)
    );
    // The outcome does not satisfy an expectation.
    let case: ClientCase = serde_json::from_value(serde_json::json!({
        "call": {}, "answers": [],
        "expect": {"requests": [], "outcome": {"kind": "ok"}},
    }))
    .unwrap();
    let observation = Observation {
        requests: Vec::new(),
        outcome: Outcome::of("unimplemented"),
        output: String::new(),
        took: std::time::Duration::ZERO,
        memory: None,
    };
    assert!(!atlas_conformance::judge(&case, &observation).is_empty());
}

#[test]
fn an_empty_hidden_or_path_like_name_is_refused() {
    for name in ["../other", "", ".hidden", "a b"] {
        let hello = format!(r#"{{"name": "{name}", "version": "1", "abilities": []}}"#);
        let script = format!("read line; echo '{hello}'; read line");
        let output = judge(&["client", "--", "sh", "-c", &script])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{name:?}");
        assert!(
            said(&output).contains("invalid testee name"),
            "{}",
            said(&output)
        );
    }
}

#[test]
fn a_password_in_the_url_of_a_server_is_refused_and_not_repeated() {
    for url in [
        "http://user:s3cret@127.0.0.1:1",
        "http://127.0.0.1:1/?token=s3cret",
        "http://127.0.0.1:s3cret",
        "http://127.0.0.1:1;s3cret",
        "https://u%3As3cret%40127.0.0.1:1",
        "http://[s3cret",
    ] {
        let output = judge(&["server", url]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{url}");
        let said = said(&output);
        assert!(
            said.contains("invalid URL") && !said.contains("s3cret"),
            "{said}"
        );
        let error = ServerTestee::new("server", url).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
    }
}

#[test]
fn a_reply_that_is_an_array_is_invalid_even_if_its_fields_are_in_order() {
    let script = r#"read line; echo '["x", "1", []]'; read line"#;
    let output = judge(&["client", "--", "sh", "-c", script])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    assert!(said.contains("expected an object, not an array"), "{said}");
}

/// The text comes at the end of the process, after the replies to all its cases.
#[test]
fn a_secret_in_stderr_fails_the_cases_that_it_belongs_to() {
    let program = env!("CARGO_BIN_EXE_atlas-conformance");
    let judged = |script: &str| {
        let filter = ["client", "--jobs", "1", "--filter", "digest/qop-list"];
        let mut judge = judge(&filter);
        let judge = judge.args(["--", "sh", "-c", script, program]);
        let output = judge.output().unwrap();
        (output.status.code(), said(&output))
    };
    let (code, said) = judged(r#""$0" testee; echo no secret >&2"#);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = judged(r#""$0" testee; echo logged in with test""pass >&2"#);
    assert_eq!(code, Some(1), "{said}");
    for part in [
        "required no secret, seen a secret",
        "logged in with (secret)",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains("testpass"), "{said}");
    // The last line of stderr is also the reason of a crash.
    let crash = r#"read -r line; echo '{"name": "x", "version": "1", "abilities": ["call", "digest"]}'
        read -r line; case $line in *reset*) echo '{"done": true}'; read -r line || exit 0;; esac
        echo test""pass >&2; exit 1"#;
    let (code, said) = judged(crash);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("(secret)") && !said.contains("testpass"),
        "{said}"
    );
    // With a reset, so never in a process that runs only one case.
    let later = r#"while read -r line; do
        case $line in *reset*) echo old: testpass >&2;; esac; echo "$line"; done | "$0" testee"#;
    let (code, said) = judged(later);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("process that ran several cases"), "{said}");
    let long = r#"head -c 2000000 /dev/zero | tr '\0' x >&2; "$0" testee"#;
    let (code, said) = judged(long);
    assert_ne!(code, Some(0), "{said}");
    assert!(said.contains("only in its first MiB"), "{said}");
}

/// A client in a shell that replies to `hello` and to `reset`; the test has the replies to `run`.
pub(crate) fn replies(to_reset: &str, to_run: &str) -> String {
    let hello =
        r#"{"name": "x", "version": "1", "abilities": ["pattern", "call", "digest", "bearer"]}"#;
    format!(
        "while read -r line; do case $line in *hello*) echo '{hello}';; *reset*) {to_reset};; *) {to_run};; esac; done"
    )
}

pub(crate) const DONE: &str = r#"echo '{"done": true}'"#;
pub(crate) const UNIMPLEMENTED: &str =
    r#"echo '{"outcome": {"kind": "unimplemented"}, "output": "no"}'"#;
pub(crate) const ACCEPTS: &str = r#"echo '{"outcome": {"kind": "accepted"}}'"#;

/// Judges the client `script` with one process at a time.
pub(crate) fn judged(options: &[&str], script: &str) -> (Option<i32>, String) {
    let mut judge = judge(&["client", "--jobs", "1"]);
    let judge = judge.args(options).args(["--", "sh", "-c", script]);
    let output = judge.output().unwrap();
    (output.status.code(), said(&output))
}

#[test]
fn a_secret_that_only_a_shared_process_shows_fails_a_case_whatever_its_own_verdict() {
    let leaks = format!("echo old: test''pass >&2; {DONE}");
    let script = replies(&leaks, UNIMPLEMENTED);
    let (code, said) = judged(&["--filter", "digest/qop-list"], &script);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("process that ran several cases"), "{said}");

    // In the reply to another case.
    let other = [
        "--case",
        "digest/opaque",
        "--case",
        "path/clusterName-dot-dot",
    ];
    let shows = r#"case $line in
        *digest*) echo '{"outcome": {"kind": "unimplemented"}, "output": "no"}';;
        *) echo '{"outcome": {"kind": "unimplemented"}, "output": "was test''pass"}';; esac"#;
    let (code, said) = judged(&other, &replies(DONE, shows));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("process that ran several cases"), "{said}");
    assert!(
        said.contains("was (secret)") && !said.contains("testpass"),
        "{said}"
    );
}

#[test]
fn a_secret_is_blamed_on_the_failed_case_that_shows_it_and_on_no_other() {
    let cases = ["--case", "digest/next-nonce", "--case", "digest/opaque"];
    // digest/next-nonce alone calls this operation.
    let shows = format!(
        r#"case $line in
        *getGroupFlexCluster*) echo shown: test''pass >&2; echo '{{"outcome": {{"kind": "ok"}}}}';;
        *) {UNIMPLEMENTED};; esac"#
    );
    let (_, said) = judged(&cases, &replies(DONE, &shows));
    assert!(said.contains(" x digest/next-nonce ("), "{said}");
    assert!(
        said.contains("stderr: required no secret, seen a secret"),
        "{said}"
    );
    assert!(!said.contains("FAIL x digest/opaque "), "{said}");
}

#[test]
fn a_wrong_reply_to_a_reset_is_refused_before_the_first_case() {
    for (reply, reason) in [
        ("echo '\"no\"'", "invalid type: string"),
        (r#"echo '{"error": "cannot"}'"#, "missing field `done`"),
        (r#"echo '{"done": false}'"#, r#"expected {"done": true}"#),
        ("exit 3", "exit status: 3"),
        (
            ":",
            "timed out after 1 s waiting for the testee's reply to reset",
        ),
    ] {
        let options = ["--filter", "pattern/clusterName/", "--patience", "1"];
        let (code, said) = judged(&options, &replies(reply, ACCEPTS));
        assert_eq!(code, Some(2), "{reply}: {said}");
        assert!(said.contains(reason), "{reply}: {said}");
    }
}

#[test]
fn a_client_that_says_more_than_it_was_asked_or_cannot_be_reset_after_a_case_has_crashed() {
    let cases = pattern_cases();
    let options = ["--case", &cases[0].0, "--case", &cases[1].0];
    let (code, said) = judged(&options, &replies(DONE, ACCEPTS));
    assert_eq!(code, Some(0), "{said}");
    for more in [
        "echo; echo debug",
        r#"echo '{"outcome": {"kind": "accepted"}}'"#,
        "exit 0",
    ] {
        let (code, said) = judged(&options, &replies(DONE, &format!("{ACCEPTS}; {more}")));
        assert_eq!(code, Some(1), "{more}: {said}");
        let crashed = said.matches("CRASHED x pattern/").count();
        assert_eq!(crashed, 2, "{more}: {said}");
        assert!(said.contains("after the case"), "{more}: {said}");
    }
}

#[test]
fn values_of_env_are_in_no_report() {
    let (case, _) = pattern_case();
    let refuses = replies(DONE, r#"echo '{"outcome": {"kind": "refused"}}'"#);
    let mut judge = judge(&["client", "--case", &case, "--"]);
    judge.args([
        "/usr/bin/env",
        "-u",
        "X",
        "THE_TOKEN=hunter2",
        "sh",
        "-c",
        &refuses,
    ]);
    let said = said(&judge.output().unwrap());
    assert!(said.contains("THE_TOKEN=…"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

/// The first process that a case fails in stays, since the verdict of a fresh one is the same.
#[test]
fn a_failing_case_costs_one_further_process_unless_its_failure_is_expected() {
    let folder = tempfile::tempdir().unwrap();
    let started = folder.path().join("started");
    let hello = r#"{"name": "x", "version": "1", "abilities": ["pattern"]}"#;
    let script = format!(
        r#"echo >>{}; while read line; do case $line in
           *hello*) echo '{hello}';;
           *reset*) echo '{{"done": true}}';;
           *) echo '{{"outcome": {{"kind": "refused"}}}}';; esac; done"#,
        started.display()
    );
    let run = |expected: &[&str]| {
        let _ = std::fs::remove_file(&started);
        let (code, said) = judged(
            &[&["--filter", "pattern/clusterName/"], expected].concat(),
            &script,
        );
        let starts = std::fs::read_to_string(&started).unwrap().lines().count();
        (code, said, starts)
    };
    let (code, said, starts) = run(&[]);
    let failed: Vec<&str> = said
        .lines()
        .filter_map(|line| line.strip_prefix("FAIL x ")?.split(' ').next())
        .collect();
    assert!(failed.len() > 1, "{said}");
    assert_eq!(code, Some(1), "{said}");
    // One for the name, one for all cases, and a fresh one for each failure.
    assert_eq!(starts, 2 + failed.len());

    let (unexpected, expected) = failed.split_last().unwrap();
    let lists = tempfile::tempdir().unwrap();
    let list = serde_json::json!([{"reason": "refuses all", "cases": expected}]);
    std::fs::write(lists.path().join("x.json"), list.to_string()).unwrap();
    let (code, said, starts) = run(&["--expected-failures", lists.path().to_str().unwrap()]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("FAIL x {unexpected} ")), "{said}");
    // One further to look up the list of this name.
    assert_eq!(starts, 4);
}

#[test]
fn an_unknown_ability_is_refused_with_a_guess() {
    let script =
        r#"read line; echo '{"name": "x", "version": "1", "abilities": ["downlaod"]}'; read line"#;
    let output = judge(&["client", "--", "sh", "-c", script])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    assert!(said.contains("did you mean download?"), "{said}");
}

#[test]
fn an_endless_line_and_a_flood_on_stderr_use_bounded_memory() {
    let (case, _) = pattern_case();
    for rest in ["tr '\\0' x < /dev/zero", "tr '\\0' x < /dev/zero >&2"] {
        let limited = format!(
            "ulimit -v 2000000; exec {} client --case {case} --patience 2 -- sh -c '{}'",
            env!("CARGO_BIN_EXE_atlas-conformance"),
            testee(rest)[2].replace('\'', "'\\''"),
        );
        let output = Command::new("sh").args(["-c", &limited]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(output.stdout.len() < 4 << 20, "{}", output.stdout.len());
    }
}

#[test]
fn a_case_for_the_other_kind_of_testee_is_an_error_that_names_it() {
    let arguments = [
        "server",
        "http://127.0.0.1:1",
        "--case",
        "api/client-getGroup",
    ];
    let output = judge(&arguments).output().unwrap();
    assert!(said(&output).contains("case \"api/client-getGroup\" is for clients"));
}

#[test]
fn a_choice_of_this_project_fails_no_client() {
    let refuses = r#"echo '{"outcome": {"kind": "refused"}}'"#;
    for (level, code, verdict) in [
        ("MUST", 1, "FAIL"),
        ("MAY", 0, "WARN"),
        ("CHOICE", 0, "DIFFERS"),
    ] {
        let folder = folder(level, "choice: for a test");
        let jsonl = folder.path().join("out.jsonl");
        let cases = folder.path().join("below");
        let arguments = [
            "--cases",
            cases.to_str().unwrap(),
            "--jsonl",
            jsonl.to_str().unwrap(),
        ];
        let output = client(&arguments, refuses);
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        let line: Value = serde_json::from_slice(&std::fs::read(jsonl).unwrap()).unwrap();
        assert_eq!(line["verdict"], verdict);
        assert_eq!(line["source"], "choice: for a test");
    }
}

#[test]
fn every_report_names_the_testee_with_its_version_and_html_escapes_foreign_text() {
    let folder = folder("MUST", "facts: <b>");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let names = ["out.md", "out.html", "out.xml"].map(path);
    let below = path("below");
    let arguments = [
        "--cases",
        &below,
        "--markdown",
        &names[0],
        "--html",
        &names[1],
        "--junit",
        &names[2],
    ];
    let rest = r#"echo '{"outcome": {"kind": "<script>"}}'"#;
    client(&arguments, rest);
    let read = |name: &String| std::fs::read_to_string(Path::new(name)).unwrap();
    assert!(read(&names[0]).contains("| area | shell 7 |"));
    assert!(read(&names[0]).contains("| pattern | 0/1, 1 failed |"));
    let html = read(&names[1]);
    assert!(html.contains("shell <small>7</small>") && html.contains("seen &lt;script&gt;"));
    assert!(!html.contains("<script>") && !html.contains("<b>"));
    assert!(
        read(&names[2]).contains("seen &lt;script>") || read(&names[2]).contains("&lt;script&gt;")
    );
}

#[test]
fn a_seed_determines_the_order_of_the_cases() {
    let listed = |seed: &[&str]| {
        let arguments = [&["client", "--list", "--filter", "digest/"], seed].concat();
        let output = judge(&arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let (plain, one, other) = (
        listed(&[]),
        listed(&["--seed", "1"]),
        listed(&["--seed", "2"]),
    );
    assert_eq!(one, listed(&["--seed", "1"]));
    assert!(one != other && one != plain);
    assert_eq!(sorted(&one), sorted(&plain));
}

async fn server_judged(server: &MockServer, arguments: &[&str]) -> String {
    let mut judge = judge(&["server", &server.uri()]);
    judge.args(arguments);
    let output = tokio::task::spawn_blocking(move || judge.output().unwrap());
    said(&output.await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_not_written_to_unless_its_world_can_be_reset_or_that_is_allowed() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(404);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let case = ["--case", "api/server-deleteGroupFlexCluster"];
    let refused = server_judged(&server, &case).await;
    assert!(
        refused.contains("pass --allow-writes to run it"),
        "{refused}"
    );
    assert!(refused.contains("no case could be judged"), "{refused}");
    let writes = |requests: Vec<wiremock::Request>| {
        let mut written = requests
            .iter()
            .filter(|it| it.url.path().starts_with("/api/"));
        written.any(|it| it.method != http::Method::GET)
    };
    assert!(!writes(server.received_requests().await.unwrap()));
    let allowed = server_judged(&server, &[&case[..], &["--allow-writes"]].concat()).await;
    assert!(allowed.contains("FAIL server"), "{allowed}");
    assert!(writes(server.received_requests().await.unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_responds_with_501_does_not_implement_the_operation() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(501).set_body_string("not here");
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let jsonl = folder.path().join("out.jsonl");
    let case = [
        "--case",
        "api/server-getGroup",
        "--jsonl",
        jsonl.to_str().unwrap(),
    ];
    server_judged(&server, &case).await;
    let line: Value = serde_json::from_slice(&std::fs::read(jsonl).unwrap()).unwrap();
    assert_eq!(line["verdict"], "UNIMPLEMENTED");
    assert_eq!(line["reason"], "the server responded with 501: not here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_reads_back_an_unknown_step_is_judged_without_it() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_string("{}");
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let case = serde_json::json!([{
        "id": "a/none", "area": "a", "level": "MUST", "since": null, "requires": "It answers.",
        "source": "facts: none",
        "server": {"request": {"operation": "getGroup"}, "expect": {"readsBack": 0}},
    }]);
    std::fs::write(folder.path().join("cases.json"), case.to_string()).unwrap();
    let said = server_judged(&server, &["--cases", folder.path().to_str().unwrap()]).await;
    assert!(said.contains("1 of 1 cases passed"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_failure_is_not_excused_by_a_later_501_and_no_secret_is_shown() {
    let server = MockServer::start().await;
    let echo = |request: &wiremock::Request| {
        let shown = request.headers.get("authorization");
        let shown = shown.map_or("", |value| value.to_str().unwrap());
        let status = if request.url.path().ends_with("/last") {
            501
        } else {
            200
        };
        ResponseTemplate::new(status).set_body_string(format!("echo {shown}"))
    };
    Mock::given(any()).respond_with(echo).mount(&server).await;
    let step = |path: &str| {
        serde_json::json!({
            "request": {"method": "GET", "target": path},
            "expect": {"status": [204]},
        })
    };
    let case = |id: &str, steps: Value| {
        serde_json::json!({
            "id": id, "area": "a", "level": "MUST", "since": null, "requires": "It answers 204.",
            "source": "facts: none", "flow": {"steps": steps},
        })
    };
    let folder = tempfile::tempdir().unwrap();
    let cases = serde_json::json!([
        case(
            "a/earlier",
            serde_json::json!([step("/first"), step("/last")])
        ),
        case("a/alone", serde_json::json!([step("/last")])),
    ]);
    std::fs::write(folder.path().join("cases.json"), cases.to_string()).unwrap();
    let reports = tempfile::tempdir().unwrap();
    let paths = ["out.jsonl", "out.html", "out.xml"].map(|name| reports.path().join(name));
    let names: Vec<&str> = paths.iter().map(|path| path.to_str().unwrap()).collect();
    let secret = "owner.token=S3cr\"t\\Token";
    let arguments = [
        "--cases",
        folder.path().to_str().unwrap(),
        "--var",
        secret,
        "--jsonl",
        names[0],
        "--html",
        names[1],
        "--junit",
        names[2],
    ];
    let mut said = server_judged(&server, &arguments).await;
    assert!(said.contains("FAIL server a/earlier"), "{said}");
    let line = std::fs::read_to_string(&paths[0]).unwrap();
    assert!(
        line.contains("\"case\":\"a/alone\"") && line.contains("UNIMPLEMENTED"),
        "{line}"
    );
    // The command contains the required options, and no secret.
    let cases = format!(
        "--cases {} --var owner.token=… --case a/earlier",
        arguments[1]
    );
    assert!(said.contains(&cases), "{said}");
    for path in &paths {
        said += &std::fs::read_to_string(path).unwrap();
    }
    assert!(!said.contains("S3cr"), "{said}");
}

#[test]
fn a_server_that_closes_the_connection_has_crashed() {
    let url = answering(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", b"");
    let arguments = ["server", &url, "--case", "api/server-getGroup"];
    let output = judge(&arguments).output().unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("CRASHED server api/server-getGroup"),
        "{said}"
    );
}

/// Starts a server that responds to requests for its world and to others with these bytes, and closes
/// the connection.
fn answering(world: &'static [u8], other: &'static [u8]) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let mut request = [0; 1 << 12];
            let read = std::io::Read::read(&mut &stream, &mut request).unwrap_or_default();
            let of_world = request[..read].starts_with(b"GET /sandbox/world ");
            let answer = if of_world { world } else { other };
            let _ = std::io::Write::write_all(&mut &stream, answer);
        }
    });
    url
}

#[test]
fn a_url_against_which_no_case_can_be_run_is_one_line_with_the_reason() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let unused = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let waits = format!("http://{}", silent.local_addr().unwrap());
    // A TLS alert, a greeting of a mail server, and the response of nginx on a TLS port.
    let alert = answering(b"\x15\x03\x03\x00\x02\x02\x32", b"");
    let greeting = answering(b"220 mail.example ESMTP\r\n", b"");
    let nginx = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 43\r\n\r\n\
        plain HTTP request was sent to a HTTPS port";
    let nginx = answering(nginx, b"");
    let https = unused.replace("http:", "https:");
    for (url, why) in [
        (&unused, "cannot connect to the server"),
        (&https, "cannot connect to the server"),
        (&waits, "timed out after 1 s"),
        (&alert, "if the server uses TLS, pass an https:// URL"),
        (&greeting, "invalid HTTP response"),
        (&nginx, "use an https:// URL"),
    ] {
        let output = judge(&["server", url, "--patience", "1"]).output().unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        let begin = format!("error: cannot run cases against {url}");
        assert!(said.starts_with(&begin) && said.contains(why), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_control_token_a_server_is_judged_without_control_and_a_note_is_printed() {
    let sandbox = atlas_sandbox::SandboxServer::builder(atlas_sandbox::Sandbox::new());
    let server = sandbox.control_token("opensesame").start().await.unwrap();
    let url = server.url().to_owned();
    let judged = |token: &str| {
        let mut judge = judge(&["server", &url, "--case", "api/server-getGroup"]);
        judge.args(["--case", "api/server-deleteGroupFlexCluster"]);
        if !token.is_empty() {
            judge.args(["--var", &format!("control.token={token}")]);
        }
        let output = tokio::task::spawn_blocking(move || judge.output().unwrap());
        async { output.await.unwrap() }
    };
    for (token, hint) in [
        (
            "",
            "the server requires its control token; pass --var control.token=TOKEN",
        ),
        (
            "another1",
            "the server refuses the control token; check --var control.token=TOKEN",
        ),
    ] {
        let output = judged(token).await;
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(stderr, format!("note: judged without control: {hint}\n"));
        let reason = format!("because:  {hint}\n");
        assert!(said(&output).contains(&reason), "{}", said(&output));
    }
    let output = judged("opensesame").await;
    assert!(
        said(&output).contains("2 of 2 cases passed"),
        "{}",
        said(&output)
    );
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
