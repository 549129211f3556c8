//! Refuses facts from which no request or no command can be built.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::error::{Error, shown};
use crate::facts::{Facts, Operation};
use crate::generate::camel_case;

/// Refuses operations that cannot be called, or whose command line would be ambiguous.
pub(crate) fn buildable(facts: &Facts) -> Result<(), Error> {
    let mut tags: BTreeMap<String, &str> = BTreeMap::new();
    let mut commands = BTreeSet::new();
    for operation in &facts.operations {
        let method = operation.method.to_lowercase();
        let place = format!("paths.{}.{method}", operation.path);
        path(&operation.path).map_err(|what| Error::at(&place, what))?;
        let tag = camel_case(&operation.tag);
        let refused = |what: String| Err(Error::at(format!("{place}.tags"), what));
        let shown_tag = shown(&operation.tag);
        if tag.is_empty() {
            return refused(format!("invalid tag \"{shown_tag}\": expected words"));
        }
        if COMMANDS.contains(&tag.as_str()) {
            let what = format!("tag \"{shown_tag}\" has the name of the command \"api {tag}\"");
            return refused(what);
        }
        let first = tags.entry(tag).or_insert(&operation.tag);
        if *first != operation.tag {
            let first = shown(first);
            return refused(format!(
                "tags \"{first}\" and \"{shown_tag}\" have the same name"
            ));
        }
        let short = operation.short.as_ref().unwrap_or(&operation.id);
        if short == "help" || !commands.insert((&operation.tag, short)) {
            let place = format!("{place}.x-xgen-operation-id-override");
            let what = format!(
                "short id \"{}\" is taken in tag \"{shown_tag}\"",
                shown(short)
            );
            return Err(Error::at(place, what));
        }
        parameters(facts, operation, &format!("{place}.parameters"))?;
    }
    Ok(())
}

fn path(path: &str) -> Result<(), String> {
    for segment in path.split('/').skip(1) {
        if segment.matches('{').count() > 1 {
            let what = format!(
                "invalid path: two parameters in the segment \"{}\"",
                shown(segment)
            );
            return Err(what);
        }
        let (before, rest) = segment.split_once('{').unwrap_or((segment, ""));
        let (_, after) = rest.split_once('}').unwrap_or(("", rest));
        for text in [before, after] {
            let wrong = text
                .chars()
                .find(|c| !c.is_ascii_alphanumeric() && !SEGMENT.contains(*c));
            if let Some(wrong) = wrong {
                let wrong = shown(&wrong.to_string());
                return Err(format!(
                    "invalid path: \"{wrong}\" is not allowed in a segment"
                ));
            }
        }
        if ["", ".", ".."].contains(&segment) {
            return Err(format!("invalid path: the segment \"{segment}\""));
        }
    }
    Ok(())
}

fn parameters(facts: &Facts, operation: &Operation, place: &str) -> Result<(), Error> {
    let (mut names, mut flags) = (BTreeSet::new(), BTreeSet::new());
    for parameter in &operation.parameters {
        let parameter = facts.parameter(parameter);
        let name = parameter["name"].as_str().unwrap_or_default();
        let refused = |what: &str| {
            let what = format!("parameter \"{}\" {what}", shown(name));
            Err(Error::at(place, what))
        };
        if !names.insert(name) {
            return refused("is in two places: rename one");
        }
        if !flags.insert(flag(name)) {
            return refused("has the same flag as another one: rename one");
        }
        if FLAGS.contains(&name) || FLAGS.contains(&flag(name).as_str()) {
            return refused("has the name of a flag of the command line: rename it");
        }
        if let Some(what) = unusable(facts, parameter, name) {
            return refused(what);
        }
    }
    Ok(())
}

/// Returns why a parameter cannot be written into a request.
fn unusable(facts: &Facts, parameter: &Value, name: &str) -> Option<&'static str> {
    let token = |c: char| c.is_ascii_alphanumeric() || TOKEN.contains(c);
    let place = parameter["in"].as_str().unwrap_or_default();
    let style = parameter["style"].as_str();
    let schema = resolved(facts, &parameter["schema"]);
    let is_list = is_array(schema);
    if place == "header" {
        if !name.chars().all(token) {
            return Some("is not a header name: expected letters, digits and hyphens");
        }
        if HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            return Some("is a header that the client sets: leave it out");
        }
    } else {
        let fits = |c: char| c.is_ascii_graphic() && !"\"'\\/?#&={}%<>".contains(c);
        if name.starts_with('-') || !name.chars().all(fits) {
            return Some("has an invalid name: expected letters and digits");
        }
    }
    let simple = if place == "query" { "form" } else { "simple" };
    if style.is_some_and(|style| style != simple) {
        return Some("has a style that is not supported: expected form in queries, or simple");
    }
    if is_list && (place != "query" || parameter["explode"] == false) {
        return Some("is a list: expected one in a query, with explode");
    }
    let element = if is_list {
        resolved(facts, &schema["items"])
    } else {
        schema
    };
    if is_object(element) || (is_list && is_array(element)) {
        return Some("is an object: expected a simple value or a list of those");
    }
    None
}

fn is_array(schema: &Value) -> bool {
    schema["type"] == "array" || schema.get("items").is_some()
}

/// Whether a schema has fields. The source also gives unions of enums the type `object`.
fn is_object(schema: &Value) -> bool {
    let union = ["anyOf", "oneOf"].map(|key| schema[key].is_array());
    let fields = ["properties", "additionalProperties"].map(|key| schema[key].is_object());
    fields.contains(&true) || (schema["type"] == "object" && !union.contains(&true))
}

fn resolved<'a>(facts: &'a Facts, mut schema: &'a Value) -> &'a Value {
    for _ in 0..super::MAX_REFERENCES {
        let Some(target) = schema["$ref"]
            .as_str()
            .and_then(|name| facts.schemas.get(name))
        else {
            break;
        };
        schema = target;
    }
    schema
}

/// Spells a parameter as a flag of the command line: `Use-Effective-Fields` is
/// `useEffectiveFields`.
fn flag(name: &str) -> String {
    if name.contains('-') {
        let mut words = name.split('-');
        let mut flag = words.next().unwrap_or_default().to_ascii_lowercase();
        for word in words {
            let mut rest = word.chars();
            flag.extend(rest.next().map(|first| first.to_ascii_uppercase()));
            flag.push_str(rest.as_str());
        }
        flag
    } else {
        name.to_owned()
    }
}

/// The characters allowed in a segment in addition to letters and digits (RFC 3986, without `%`).
const SEGMENT: &str = "-._~!$&'()*+,;=:@";

/// The characters allowed in a header name in addition to letters and digits (RFC 9110).
const TOKEN: &str = "!#$%&'*+-.^_`|~";

/// The commands of `atlas api` that are not tags.
const COMMANDS: [&str; 4] = ["help", "list", "search", "sunsets"];

/// The flags that the command line has for each operation.
const FLAGS: &[&str] = &[
    "all",
    "check",
    "file",
    "force",
    "help",
    "noTokenCache",
    "output",
    "outputFile",
    "profile",
    "projectId",
    "sandbox",
    "version",
    "watch",
    "watchTimeout",
];

/// The headers that a client sets.
const HEADERS: &[&str] = &[
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];
