//! Prints the page that lists the fidelity of every operation: `docs/fidelity.md`.
//!
//! `cargo run -p atlas-sandbox --example fidelity > docs/fidelity.md`

use atlas_catalog::Tag;
use atlas_sandbox::Fidelity;

const HEAD: &str = "\
# What the sandbox answers, and how far to rely on it

Every operation of the Atlas Administration API has one of three fidelities. Each answer says it in the
header `X-Sandbox-Fidelity`, and `atlas sandbox --min-fidelity recorded` answers 501 `NOT_EMULATED` to
what is below.

- **recorded**: it behaves as recorded answers of Atlas do: statuses, states in time, error codes, fields.
- **documented**: it has behaviour of its own, made from what is documented.
- **generic**: the engine answers by itself: parameters, bodies, roles and answers fit the documentation,
  and what was written can be read, listed, changed and deleted.

This page is made from the code (`cargo run -p atlas-sandbox --example fidelity`).
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
