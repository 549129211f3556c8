//! Packs the facts into the file that `atlas-catalog` embeds.
//!
//! `atlas-catalog/src/data.rs` reads this layout; all numbers are little-endian. The header has the
//! magic, then an offset (`u32`) for each section and one for the end:
//!
//! | section | content |
//! | --- | --- |
//! | text | the names that the index refers to by offset and length, in UTF-8 |
//! | operations | by tag and short id: id, short id, path, method, flags, location of the details |
//! | operations | by tag and short id: id, short id, path, method, flags, place of the details |
//! | paths | for each operation the numbers of its segments |
//! | paths | for each operation its segments' numbers |
//! | by id | operation numbers in the order of their ids |
//! | former | former ids in order, each with its operation |
//! | routes | operation numbers by method, number of segments and path |
//! | blocks | compressed details: operations, then schemas, then the other facts |
//!
//! A block is raw DEFLATE of JSON lines. Schemas refer to each other by number.

mod bytes;
mod corrections;
mod numbered;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use bytes::{Blocks, Text, narrow, numbers16, push16, push32};
pub(crate) use corrections::corrected;
use numbered::Numbered;

use crate::error::Error;
use crate::store::source_name;

/// The first bytes of the file; the last one is the version of the layout.
pub(crate) const MAGIC: &[u8; 4] = b"ATC\x01";
/// The methods, ordered by their numbers.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Packs facts, names, overrides and watches into the file that `atlas-catalog` embeds.
pub(crate) fn generate(
    facts: &Value,
    names: &Value,
    overrides: &Value,
    watch: &Value,
) -> Result<Vec<u8>, Error> {
    let facts = corrected(facts, overrides)
        .map_err(|what| Error::at("values", what).in_file(source_name("overrides.json")))?;
    pack(&facts, names, overrides, watch)
        .map_err(|what| Error::at("operations", what).in_file(source_name("facts.json")))
}

fn pack(facts: &Value, names: &Value, overrides: &Value, watch: &Value) -> Result<Vec<u8>, String> {
    let schemas = facts["schemas"]
        .as_object()
        .ok_or("facts without schemas")?;
    let numbers: BTreeMap<&str, usize> = schemas
        .keys()
        .enumerate()
        .map(|(number, name)| (name.as_str(), number))
        .collect();
    let numbered = Numbered {
        schemas: &numbers,
        parameters: facts["parameters"].as_object(),
    };
    let operations = operations(facts)?;
    let mut text = Text::default();
    let mut blocks = Blocks::default();

    let watches: BTreeMap<&str, &Value> = watch
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|watch| Some((watch["id"].as_str()?, watch)))
        .collect();
    let mut details = Vec::new();
    for operation in &operations {
        let watch = watches.get(operation.id).copied();
        details.push(blocks.add(&numbered.details(operation.facts, watch)?));
    }
    blocks.close();
    let first_schema_block = blocks.packed.len();
    for (name, schema) in schemas {
        let line = numbered.schema(name, schema)?;
        blocks.add(&line);
    }
    blocks.close();
    let first_other_block = blocks.packed.len();
    blocks.add(&json!({
        "roles": column(overrides, "roles", "includes"),
        "successors": column(overrides, "successors", "successor"),
    }));
    blocks.close();

    let index = Index::new(&operations, &details, &mut text)?;

    let mut by_id: Vec<usize> = (0..operations.len()).collect();
    by_id.sort_by_key(|number| operations[*number].id);
    let mut formerly = Vec::new();
    for (former, number) in former(names, &operations)? {
        text.refer(former, &mut formerly)?;
        push16(&mut formerly, narrow(number)?);
    }
    let mut routes: Vec<usize> = (0..operations.len()).collect();
    routes.sort_by_key(|number| {
        let operation = &operations[*number];
        (
            operation.method,
            operation.segments().count(),
            operation.path,
        )
    });

    let (block_table, data) = block_table(
        &blocks,
        first_schema_block,
        first_other_block,
        schemas.len(),
    )?;
    let sections = [
        text.bytes,
        index.tags,
        index.records,
        index.segments,
        index.paths,
        numbers16(&by_id)?,
        formerly,
        numbers16(&routes)?,
        block_table,
        data,
    ];
    let mut file = MAGIC.to_vec();
    let mut place = file.len() + 4 * (sections.len() + 1);
    for section in &sections {
        push32(&mut file, place)?;
        place += section.len();
    }
    push32(&mut file, place)?;
    file.extend(sections.into_iter().flatten());
    Ok(file)
}

/// Packs the sections that are read in place.
struct Index {
    tags: Vec<u8>,
    records: Vec<u8>,
    segments: Vec<u8>,
    paths: Vec<u8>,
}

impl Index {
    fn new(
        operations: &[Operation<'_>],
        details: &[(u16, u16)],
        text: &mut Text,
    ) -> Result<Self, String> {
        let mut segments: BTreeMap<&str, u16> = BTreeMap::new();
        for segment in operations.iter().flat_map(Operation::segments) {
            segments.insert(segment, 0);
        }
        for (number, place) in segments.values_mut().enumerate() {
            *place = narrow(number)?;
        }

        let mut tags = Vec::new();
        let mut records = Vec::new();
        let mut paths = Vec::new();
        for (number, operation) in operations.iter().enumerate() {
            let tag_begins = number == 0 || operations[number - 1].tag != operation.tag;
            if tag_begins {
                let members = operations.iter().filter(|other| other.tag == operation.tag);
                text.refer(operation.tag, &mut tags)?;
                text.refer(&operation.camel_tag, &mut tags)?;
                push16(&mut tags, narrow(number)?);
                push16(&mut tags, narrow(members.count())?);
            }
            let tag = tags.len() / TAG - 1;
            text.refer(operation.id, &mut records)?;
            text.refer(operation.short, &mut records)?;
            push16(&mut records, narrow(paths.len() / 2)?);
            records.push(u8::try_from(operation.segments().count()).map_err(|e| e.to_string())?);
            records.push(u8::try_from(tag).map_err(|error| error.to_string())?);
            records.push(operation.method);
            records.push(operation.flags());
            let (block, line) = details[number];
            push16(&mut records, block);
            push16(&mut records, line);
            for segment in operation.segments() {
                push16(&mut paths, segments[segment]);
            }
        }

        let mut segment_texts = Vec::new();
        for segment in segments.keys() {
            text.refer(segment, &mut segment_texts)?;
        }
        Ok(Self {
            tags,
            records,
            segments: segment_texts,
            paths,
        })
    }
}

/// Packs the table of blocks, and the blocks.
fn block_table(
    blocks: &Blocks,
    first_schema_block: usize,
    first_other_block: usize,
    schemas: usize,
) -> Result<(Vec<u8>, Vec<u8>), String> {
    let mut block_table = Vec::new();
    push16(&mut block_table, narrow(first_schema_block)?);
    push16(&mut block_table, narrow(first_other_block)?);
    push16(&mut block_table, narrow(schemas)?);
    push16(&mut block_table, narrow(blocks.packed.len())?);
    let mut data = Vec::new();
    for block in &blocks.packed {
        push32(&mut block_table, data.len())?;
        push32(&mut block_table, block.raw)?;
        push16(&mut block_table, narrow(block.first)?);
        push16(&mut block_table, narrow(block.lines)?);
        data.extend_from_slice(&block.bytes);
    }
    Ok((block_table, data))
}

/// The length of a tag's record.
const TAG: usize = 2 * 6 + 4;

/// The facts of one operation for the index.
struct Operation<'a> {
    id: &'a str,
    short: &'a str,
    tag: &'a str,
    camel_tag: String,
    path: &'a str,
    method: u8,
    facts: &'a Value,
}

impl<'a> Operation<'a> {
    fn segments(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.path.split('/').skip(1)
    }

    fn flags(&self) -> u8 {
        let deprecated = self.facts["deprecated"] == true;
        let open = self.facts["security"].as_array().is_some_and(Vec::is_empty);
        u8::from(deprecated) | u8::from(open) << 1
    }
}

fn operations(facts: &Value) -> Result<Vec<Operation<'_>>, String> {
    let mut operations = Vec::new();
    for facts in facts["operations"].as_array().into_iter().flatten() {
        let text = |key: &str| {
            facts[key]
                .as_str()
                .ok_or_else(|| format!("an operation without {key}: {facts}"))
        };
        let (id, tag, path, method) = (text("id")?, text("tag")?, text("path")?, text("method")?);
        let method = METHODS
            .iter()
            .position(|known| *known == method)
            .ok_or_else(|| format!("{id}: unknown method {method:?}"))?;
        operations.push(Operation {
            id,
            short: facts["short"].as_str().unwrap_or(id),
            tag,
            camel_tag: camel_case(tag),
            path,
            method: u8::try_from(method).map_err(|error| error.to_string())?,
            facts,
        });
    }
    operations.sort_by(|one, other| (one.tag, one.short).cmp(&(other.tag, other.short)));
    let double = operations
        .windows(2)
        .find(|pair| (pair[0].tag, pair[0].short) == (pair[1].tag, pair[1].short));
    if let Some(pair) = double {
        let (tag, short) = (pair[0].tag, pair[0].short);
        return Err(format!("two operations of tag {tag:?} are called {short}"));
    }
    Ok(operations)
}

/// Spells a tag as the command line does: `MongoDB Cloud Users` is `mongoDbCloudUsers`.
pub(crate) fn camel_case(tag: &str) -> String {
    let mut name = String::new();
    let mut before = ' ';
    for c in tag.chars().filter(|c| *c != '.') {
        let begins = !before.is_ascii_alphanumeric()
            || before.is_ascii_lowercase() && c.is_ascii_uppercase();
        if c.is_ascii_alphanumeric() {
            name.push(if begins && !name.is_empty() {
                c.to_ascii_uppercase()
            } else {
                c.to_ascii_lowercase()
            });
        }
        before = c;
    }
    name
}

/// Returns the former ids in order, without those that are a current id of an operation.
fn former<'a>(
    names: &'a Value,
    operations: &[Operation<'_>],
) -> Result<BTreeMap<&'a str, usize>, String> {
    let numbers: BTreeMap<&str, usize> = operations
        .iter()
        .enumerate()
        .map(|(number, operation)| (operation.id, number))
        .collect();
    let mut former = BTreeMap::new();
    for (id, ids) in names["formerly"].as_object().into_iter().flatten() {
        let number = *numbers
            .get(id.as_str())
            .ok_or_else(|| format!("names.json names {id}, which is not an operation"))?;
        for old in ids
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if numbers.contains_key(old) {
                continue;
            }
            if let Some(other) = former.insert(old, number)
                && other != number
            {
                return Err(format!("{old} is the former id of two operations"));
            }
        }
    }
    Ok(former)
}

/// Extracts one field of each row of a table of the overrides.
fn column(overrides: &Value, table: &str, field: &str) -> Value {
    let rows = overrides[table].as_object().into_iter().flatten();
    Value::Object(
        rows.map(|(key, row)| (key.clone(), row[field].clone()))
            .collect(),
    )
}
