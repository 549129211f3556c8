//! Packs the facts into the file that `atlas-catalog` embeds.
//!
//! `atlas-catalog/src/data.rs` reads this layout; all numbers are little-endian. A header of the
//! magic, then an offset (`u32`) for each section and one for the end:
//!
//! | section | content |
//! | --- | --- |
//! | text | the names that the index refers to by offset and length, in UTF-8 |
//! | tags | name, camel-case name, first operation, number of operations |
//! | operations | by tag and short id: id, short id, path, method, flags, place of the details |
//! | segments | the distinct path segments |
//! | paths | for each operation its segments' numbers |
//! | by id | operation numbers in the order of their ids |
//! | former | former ids in order, each with its operation |
//! | routes | operation numbers by method, number of segments and path |
//! | blocks | compressed details: operations, then schemas, then what belongs to none |
//!
//! A block is raw DEFLATE of JSON lines. Schemas refer to each other by number.

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde_json::{Map, Value, json};

use crate::error::Error;

/// The first bytes of the file; the last one is the version of the layout.
pub(crate) const MAGIC: &[u8; 4] = b"ATC\x01";
/// How much JSON a block holds, about: a larger one compresses better, a smaller one opens faster.
const BLOCK: usize = 32 << 10;
/// The methods, in the order of their numbers.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Packs facts, names, overrides and watches: the bytes that `atlas-catalog` embeds.
pub(crate) fn generate(
    facts: &Value,
    names: &Value,
    overrides: &Value,
    watch: &Value,
) -> Result<Vec<u8>, Error> {
    let facts = corrected(facts, overrides)
        .map_err(|what| Error::at("values", what).in_file("overrides.json"))?;
    pack(&facts, names, overrides, watch)
        .map_err(|what| Error::at("operations", what).in_file("facts.json"))
}

/// The facts with the values that recordings show and the description does not.
fn corrected(facts: &Value, overrides: &Value) -> Result<Value, String> {
    let mut facts = facts.clone();
    for (place, correction) in overrides["values"].as_object().into_iter().flatten() {
        let unknown = || format!("{place} is not a field of a schema");
        let (name, field) = place.split_once('.').ok_or_else(unknown)?;
        let schema = facts["schemas"].get_mut(name).ok_or_else(unknown)?;
        let (field, element) = match field.strip_suffix("[]") {
            Some(field) => (field, true),
            None => (field, false),
        };
        let mut field = property(schema, field).ok_or_else(unknown)?;
        if element {
            field = field.get_mut("items").ok_or_else(unknown)?;
        }
        for keyword in correction["relax"].as_array().into_iter().flatten() {
            let keyword = keyword.as_str().unwrap_or_default();
            let removed = field
                .as_object_mut()
                .and_then(|field| field.remove(keyword));
            removed.ok_or_else(|| format!("{place} has no {keyword} to relax"))?;
        }
        let more = correction["values"].as_array().into_iter().flatten();
        add_values(field, more, place)?;
    }
    Ok(facts)
}

/// The schema of a field, in a schema or in one of the parts it is composed of.
fn property<'a>(schema: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    if schema["properties"].get(name).is_some() {
        return schema["properties"].get_mut(name);
    }
    let parts = schema.get_mut("allOf")?.as_array_mut()?;
    parts
        .iter_mut()
        .find_map(|part| part.get_mut("properties")?.get_mut(name))
}

/// Adds values to an enum, or to the first one of a union of enums.
fn add_values<'a>(
    field: &mut Value,
    values: impl Iterator<Item = &'a Value>,
    place: &str,
) -> Result<(), String> {
    let values: Vec<&Value> = values.collect();
    if values.is_empty() {
        return Ok(());
    }
    if let Some(name) = field["$ref"].as_str().map(str::to_owned) {
        // Only this field has the values, not every one that refers to the schema.
        let fields = field
            .as_object_mut()
            .ok_or("a field that is not a schema")?;
        fields.remove("$ref");
        let more = json!({"enum": values, "type": "string"});
        fields.insert("anyOf".to_owned(), json!([{"$ref": name}, more]));
        return Ok(());
    }
    let target = if field["enum"].is_array() {
        field.get_mut("enum")
    } else {
        let members = field.get_mut("oneOf").and_then(Value::as_array_mut);
        members.and_then(|members| members.iter_mut().find_map(|one| one.get_mut("enum")))
    };
    let target = target.and_then(Value::as_array_mut);
    let target = target.ok_or_else(|| format!("{place} has no values to add to"))?;
    for value in values {
        if target.contains(value) {
            return Err(format!("{place} has the value {value} already"));
        }
        target.push(value.clone());
    }
    Ok(())
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

    let mut block_table = Vec::new();
    push16(&mut block_table, narrow(first_schema_block)?);
    push16(&mut block_table, narrow(first_other_block)?);
    push16(&mut block_table, narrow(schemas.len())?);
    push16(&mut block_table, narrow(blocks.packed.len())?);
    let mut data = Vec::new();
    for block in &blocks.packed {
        push32(&mut block_table, data.len())?;
        push32(&mut block_table, block.raw)?;
        push16(&mut block_table, narrow(block.first)?);
        push16(&mut block_table, narrow(block.lines)?);
        data.extend_from_slice(&block.bytes);
    }

    let sections = [
        text.bytes,
        tags,
        records,
        segment_texts,
        paths,
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

/// What the index has of an operation, so that its details do not.
const INDEXED: [&str; 7] = [
    "id",
    "tag",
    "path",
    "method",
    "short",
    "deprecated",
    "security",
];
/// What names are made from, which is done by now.
const UNUSED: [&str; 2] = ["verb", "custom"];

/// The length of a tag's record.
const TAG: usize = 2 * 6 + 4;

/// One operation, as the index needs it.
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

/// A tag as the command line spells it: `MongoDB Cloud Users` is `mongoDbCloudUsers`.
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

/// Former ids in order, without those that are an operation's own id today.
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

/// One field of each row of a table of the overrides.
fn column(overrides: &Value, table: &str, field: &str) -> Value {
    let rows = overrides[table].as_object().into_iter().flatten();
    Value::Object(
        rows.map(|(key, row)| (key.clone(), row[field].clone()))
            .collect(),
    )
}

/// Facts whose references are numbers.
struct Numbered<'a> {
    schemas: &'a BTreeMap<&'a str, usize>,
    parameters: Option<&'a Map<String, Value>>,
}

impl Numbered<'_> {
    /// The details of an operation: what the index does not have.
    fn details(&self, facts: &Value, watch: Option<&Value>) -> Result<Value, String> {
        let mut details = Map::new();
        for (key, value) in facts.as_object().into_iter().flatten() {
            if INDEXED.contains(&key.as_str()) || UNUSED.contains(&key.as_str()) {
                continue;
            }
            let value = if key == "parameters" {
                let given = value.as_array().into_iter().flatten();
                let resolved = given.map(|one| self.parameter(one));
                Value::Array(resolved.collect::<Result<_, _>>()?)
            } else {
                self.number(value)?
            };
            details.insert(key.clone(), value);
        }
        if let Some(watch) = watch.and_then(Value::as_object) {
            let mut watch = watch.clone();
            watch.remove("id");
            details.insert("watch".to_owned(), Value::Object(watch));
        }
        Ok(Value::Object(details))
    }

    fn parameter(&self, given: &Value) -> Result<Value, String> {
        let given = match given["$ref"].as_str() {
            Some(name) => self
                .parameters
                .and_then(|shared| shared.get(name))
                .ok_or_else(|| format!("unknown shared parameter {name:?}"))?,
            None => given,
        };
        let mut parameter = self.number(given)?;
        if let Some(fields) = parameter.as_object_mut() {
            // An array is one parameter for each element, which is the default of a query.
            let style = fields.remove("style").unwrap_or("form".into());
            let explode = fields.remove("explode").unwrap_or(true.into());
            if style != "form" || explode != true {
                let name = &given["name"];
                return Err(format!(
                    "parameter {name} has an unsupported style: expected form, exploded"
                ));
            }
        }
        Ok(parameter)
    }

    fn schema(&self, name: &str, schema: &Value) -> Result<Value, String> {
        let mut schema = self.number(schema)?;
        if let Some(fields) = schema.as_object_mut() {
            fields.insert("name".to_owned(), name.into());
        }
        Ok(schema)
    }

    /// The same with schemas by number, in references and in the mappings of discriminators.
    fn number(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::Array(items) => {
                let items = items.iter().map(|item| self.number(item));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => {
                let mut numbered = Map::new();
                for (key, value) in fields {
                    let value = match (key.as_str(), value) {
                        ("$ref", Value::String(name)) => self.of(name)?,
                        ("mapping", Value::Object(names)) => {
                            let pairs = names.iter().map(|(tag, name)| {
                                let name = name.as_str().unwrap_or_default();
                                Ok((tag.clone(), self.of(name)?))
                            });
                            Value::Object(pairs.collect::<Result<_, String>>()?)
                        }
                        // The names of fields are not keywords.
                        ("properties", Value::Object(fields)) => {
                            let fields = fields
                                .iter()
                                .map(|(name, schema)| Ok((name.clone(), self.number(schema)?)));
                            Value::Object(fields.collect::<Result<_, String>>()?)
                        }
                        ("enum" | "default", value) => value.clone(),
                        (_, value) => self.number(value)?,
                    };
                    numbered.insert(key.clone(), value);
                }
                Value::Object(numbered)
            }
            other => other.clone(),
        })
    }

    fn of(&self, name: &str) -> Result<Value, String> {
        let number = self.schemas.get(name);
        let number = number.ok_or_else(|| format!("unknown schema {name:?}"))?;
        Ok((*number).into())
    }
}

/// The names that the index refers to, each once.
#[derive(Default)]
struct Text {
    bytes: Vec<u8>,
    places: BTreeMap<String, usize>,
}

impl Text {
    /// Appends a reference to a text: offset and length.
    fn refer(&mut self, text: &str, to: &mut Vec<u8>) -> Result<(), String> {
        let place = *self.places.entry(text.to_owned()).or_insert_with(|| {
            let place = self.bytes.len();
            self.bytes.extend_from_slice(text.as_bytes());
            place
        });
        push32(to, place)?;
        push16(to, narrow(text.len())?);
        Ok(())
    }
}

/// JSON lines, gathered into compressed blocks.
#[derive(Default)]
struct Blocks {
    packed: Vec<Packed>,
    open: Vec<u8>,
    lines: usize,
    closed: usize,
}

struct Packed {
    bytes: Vec<u8>,
    /// Its length when it is inflated.
    raw: usize,
    /// How many lines of the same sort stand before it.
    first: usize,
    lines: usize,
}

impl Blocks {
    /// Adds a line; gives its block and its number in there.
    fn add(&mut self, line: &Value) -> (u16, u16) {
        if self.open.len() > BLOCK {
            self.pack();
        }
        self.open
            .extend_from_slice(sorted(line).to_string().as_bytes());
        self.open.push(b'\n');
        self.lines += 1;
        let place = (self.packed.len(), self.lines - 1);
        (
            u16::try_from(place.0).unwrap_or(u16::MAX),
            u16::try_from(place.1).unwrap_or(u16::MAX),
        )
    }

    /// Ends the open block; lines of another sort follow.
    fn close(&mut self) {
        self.pack();
        self.closed = 0;
    }

    fn pack(&mut self) {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        let packed = encoder
            .write_all(&self.open)
            .and_then(|()| encoder.finish())
            .expect("a Vec takes every byte");
        self.packed.push(Packed {
            bytes: packed,
            raw: self.open.len(),
            first: self.closed,
            lines: self.lines,
        });
        self.closed += self.lines;
        self.open.clear();
        self.lines = 0;
    }
}

/// The same with the keys of every object in order, however the JSON library keeps them.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Object(fields) => {
            let fields: BTreeMap<&String, &Value> = fields.iter().collect();
            let fields = fields.into_iter();
            Value::Object(
                fields
                    .map(|(key, value)| (key.clone(), sorted(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

fn narrow(number: usize) -> Result<u16, String> {
    u16::try_from(number).map_err(|_| format!("{number} does not fit in 16 bits"))
}

fn push16(to: &mut Vec<u8>, number: u16) {
    to.extend_from_slice(&number.to_le_bytes());
}

fn push32(to: &mut Vec<u8>, number: usize) -> Result<(), String> {
    let number = u32::try_from(number).map_err(|error| error.to_string())?;
    to.extend_from_slice(&number.to_le_bytes());
    Ok(())
}

fn numbers16(numbers: &[usize]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    for number in numbers {
        push16(&mut bytes, narrow(*number)?);
    }
    Ok(bytes)
}
