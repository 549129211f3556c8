//! Completion in real shells: `cargo test -p atlas-toolkit --test shells`.
//!
//! Not part of a plain `cargo test`, since bash, zsh and fish have to be installed first.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::path::Path;
use std::process::Command;

/// The output of a program in a shell, which finds the binary on its `PATH`.
fn run(shell: &str, program: &str) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_atlas")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let output = Command::new(shell)
        .args(["-c", program])
        .env("PATH", path)
        .output()
        .unwrap_or_else(|error| {
            panic!("{shell} is not installed: apt-get install {shell}: {error}")
        });
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{shell}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// The words to complete, and an expected completion.
const CASES: [(&str, &str); 5] = [
    ("comp", "completion"),
    ("api flexCl", "flexClusters"),
    ("api clusters getClu", "getCluster"),
    (
        "api clusters getCluster --useEffectiveI",
        "--useEffectiveInstanceFields",
    ),
    ("backups snapshots dow", "download"),
];

#[test]
fn bash_completes_tags_operations_and_flags() {
    for (words, expected) in CASES {
        let count = words.split(' ').count();
        let last = words.split(' ').next_back().unwrap();
        let program = format!(
            "source <(atlas completion bash); compopt() {{ false; }}; COMP_TYPE=9; \
             COMP_WORDS=(atlas {words}); COMP_CWORD={count}; \
             _clap_complete_atlas atlas '{last}' ''; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let found = run("bash", &program);
        assert!(
            found.lines().any(|line| line.trim() == expected),
            "{words}: {found}"
        );
    }
}

#[test]
fn zsh_completes_tags_operations_and_flags() {
    for (words, expected) in CASES {
        let current = words.split(' ').count() + 1;
        // The functions of its completion system, which needs a terminal, print instead.
        let program = format!(
            "compdef() {{ :; }}; source <(atlas completion zsh); \
             _describe() {{ print -l -- ${{(P)4}}; print -l -- ${{(P)3}}; }}; \
             words=(atlas {words}); CURRENT={current}; _clap_dynamic_completer_atlas"
        );
        let found = run("zsh", &program);
        let among = found
            .lines()
            .any(|line| line.split(':').next() == Some(expected));
        assert!(among, "{words}: {found}");
    }
}

#[test]
fn fish_completes_tags_operations_and_flags() {
    for (words, expected) in CASES {
        let program = format!("atlas completion fish | source; complete -C 'atlas {words}'");
        let found = run("fish", &program);
        let among = found
            .lines()
            .any(|line| line.split('\t').next() == Some(expected));
        assert!(among, "{words}: {found}");
    }
}
