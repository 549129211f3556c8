//! Prints the page that lists the fidelity of every operation: `docs/fidelity.md`.
//!
//! `cargo run -p atlas-sandbox --example fidelity > docs/fidelity.md`

use atlas_catalog::Tag;
use atlas_sandbox::Fidelity;

const HEAD: &str = "\
# Fidelity of the sandbox

Every operation of the Atlas Administration API has one of three fidelities. Each response contains it in
the header `X-Sandbox-Fidelity`. With `atlas sandbox --min-fidelity recorded`, operations of a lower
fidelity return 501 `NOT_EMULATED`.

- **recorded**: behaves as recorded responses of Atlas do: statuses, states over time, error codes, fields.
- **documented**: has its own behaviour, made from the documentation.
- **generic**: served by the engine alone: parameters, bodies, roles and responses follow the
  documentation, and resources can be created, read, listed, changed and deleted.

This page is generated (`cargo run -p atlas-sandbox --example fidelity`).
";

fn main() {
    print!("{HEAD}");
    let count = |fidelity: Fidelity| {
        let all = Tag::all().flat_map(Tag::operations);
        all.filter(|operation| Fidelity::of(operation.id()) == Some(fidelity))
            .count()
    };
    println!("\n| recorded | documented | generic |\n| ---: | ---: | ---: |");
    let counts = [Fidelity::Recorded, Fidelity::Documented, Fidelity::Generic].map(count);
    println!("| {} | {} | {} |", counts[0], counts[1], counts[2]);
    for tag in Tag::all() {
        println!("\n## {}\n", tag.name());
        println!("| operation | request | fidelity |\n| --- | --- | --- |");
        for operation in tag.operations() {
            let (id, path) = (operation.id(), operation.path());
            let path = path.trim_start_matches("/api/atlas/v2");
            let path = if path.is_empty() { "/" } else { path };
            let fidelity = Fidelity::of(id).map_or("", Fidelity::as_str);
            println!("| `{id}` | `{} {path}` | {fidelity} |", operation.method());
        }
    }
}
