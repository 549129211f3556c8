//! Lists the enforced patterns, or checks a text against one of them.
//!
//! `cargo run -p atlas-pattern --example check -- '^([a-f0-9]{24})$' nope`

use std::process::ExitCode;

use atlas_pattern::Pattern;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [] => {
            for pattern in Pattern::all() {
                println!("{pattern}\n    {}", pattern.expected());
            }
            ExitCode::SUCCESS
        }
        [source, text] => match Pattern::find(source) {
            None => {
                eprintln!("pattern {source:?} is unknown or not enforced");
                ExitCode::from(2)
            }
            Some(pattern) if pattern.is_match(text) => ExitCode::SUCCESS,
            Some(pattern) => {
                eprintln!("invalid value {text:?}: expected {}", pattern.expected());
                ExitCode::FAILURE
            }
        },
        _ => {
            eprintln!("usage: check [PATTERN TEXT]");
            ExitCode::from(2)
        }
    }
}
