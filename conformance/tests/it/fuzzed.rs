//! Runs the fuzz targets with their corpus and with random bytes.

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

#[path = "../../fuzz/targets.rs"]
#[allow(unreachable_pub, reason = "the fuzz crate has it as its library")]
mod targets;

use targets::TARGETS;

#[test]
fn no_input_of_the_corpus_panics() {
    for (name, target) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz/corpus")
            .join(name);
        let mut inputs = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            target(&std::fs::read(entry.unwrap().path()).unwrap());
            inputs += 1;
        }
        assert!(inputs >= 10, "{name}: {inputs}");
    }
}

#[test]
fn no_bytes_as_a_response_or_a_header_panic() {
    let bytes = prop::collection::vec(any::<u8>(), 0..300);
    // Prefixes of JSON and challenges reach more code.
    let begun = prop::sample::select(vec![
        "",
        "{\"status\":",
        "{\"error\":4",
        "{\"results\":[",
        "Digest realm=\"",
        "bytes 0-",
        "[[{",
    ]);
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(1024)
    };
    TestRunner::new(config)
        .run(&(begun, bytes), |(begun, bytes)| {
            let data = [begun.as_bytes(), &bytes].concat();
            for (_, target) in TARGETS {
                target(&data);
            }
            Ok(())
        })
        .unwrap();
}
