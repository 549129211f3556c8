//! Prints the facts about an operation: `cargo run --example describe getGroupCluster`.

use atlas_catalog::Operation;

fn main() -> Result<(), String> {
    let name = std::env::args()
        .nth(1)
        .unwrap_or("getGroupCluster".to_owned());
    let Some(operation) = Operation::find(&name) else {
        let close = Operation::suggest(&name);
        return Err(format!(
            "unknown operation {name:?}; did you mean {}?",
            close.join(" or ")
        ));
    };
    println!("{} {}", operation.method(), operation.path());
    println!("roles: {}", operation.roles().join(" or "));
    for parameter in operation.parameters() {
        let need = if parameter.required {
            "required"
        } else {
            "optional"
        };
        println!("{:?} parameter {}, {need}", parameter.place, parameter.name);
    }
    for version in operation.versions() {
        let sunset = version.sunset.as_deref().unwrap_or("none");
        println!("version {}, sunset: {sunset}", version.name);
    }
    Ok(())
}
