//! Turns a published API description into facts, and facts into what the crates embed.

#![forbid(unsafe_code)]

mod generate {
    pub(crate) mod pattern;
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let read = |name: &str| -> Result<serde_json::Value, Box<dyn std::error::Error>> {
        Ok(serde_json::from_slice(&std::fs::read(format!(
            "fixtures/api/{name}.json"
        ))?)?)
    };
    let table = generate::pattern::generate(&read("facts")?, &read("overrides")?)?;
    std::fs::write("crates/atlas-pattern/src/table.rs", table)?;
    Ok(())
}
