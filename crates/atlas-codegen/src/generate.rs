//! Generates the files that the crates embed or compile.

pub(crate) mod catalog;
mod date;
pub(crate) mod model;
pub(crate) mod pattern;

use std::path::PathBuf;

pub(crate) use catalog::{camel_case, corrected};

use crate::error::Error;
use crate::store::{Sources, source_name};

/// Returns every generated file with its bytes, ordered by path.
pub(crate) fn outputs(sources: &Sources) -> Result<Vec<(PathBuf, Vec<u8>)>, Error> {
    let Sources {
        root,
        facts,
        names,
        overrides,
        watch,
    } = sources;
    let typed = sources.typed_facts()?;
    let modules = model::generate(&typed, facts, &sources.typed_names()?, overrides, root)?;
    let mut outputs = vec![
        (
            root.join("crates/atlas-catalog/src/facts.bin"),
            catalog::generate(facts, names, overrides, watch)?,
        ),
        (
            root.join("crates/atlas-catalog/src/facts_date.rs"),
            date::generate(&typed).into_bytes(),
        ),
        (
            root.join("crates/atlas-pattern/src/table.rs"),
            pattern::generate(facts, overrides)
                .map_err(|error| {
                    Error::at(error.place(), error.to_string())
                        .in_file(source_name("overrides.json"))
                })?
                .into_bytes(),
        ),
    ];
    for (path, text) in modules {
        outputs.push((root.join(path), text.into_bytes()));
    }
    Ok(outputs)
}
