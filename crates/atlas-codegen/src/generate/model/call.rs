//! Generates the calls of an operation: its facts, its parameters and its pages.

use std::fmt::Write as _;

use serde_json::Value;

use super::operation::{Context, Parameter, successor};
use super::plan::{Response, typed_version};
use super::types::Type;
use crate::facts::Operation;

pub(super) fn meta(operation: &Operation, context: &Context<'_>, response: &Response) -> String {
    let (_, stable) = typed_version(operation);
    let versions: Vec<String> = operation
        .versions
        .iter()
        .filter(|version| !stable || version.name != "preview")
        .map(|version| {
            let date = |text: &str| {
                let parts: Vec<&str> = text
                    .split('-')
                    .map(|part| part.trim_start_matches('0'))
                    .collect();
                parts.join(", ")
            };
            let made = match version.name.as_str() {
                "preview" => "Version::preview()".to_owned(),
                name => format!("Version::new({})", date(name)),
            };
            match &version.sunset {
                Some(sunset) => format!("{made}.sunset({})", date(sunset)),
                None => made,
            }
        })
        .collect();
    let mut out = format!(
        "&OperationMeta::new(\n        {:?},\n        Method::{},\n        {:?},\n        &[{}],\n    )",
        operation.id,
        operation.method,
        operation.path,
        versions.join(", "),
    );
    let short = operation.short.as_deref().unwrap_or(&operation.id);
    let _ = write!(out, "\n    .tag({:?}, {short:?})", operation.tag);
    if !operation.roles.is_empty() {
        let _ = write!(out, "\n    .roles(&{:?})", operation.roles);
    }
    if let Some(successor) = successor(operation, context.overrides) {
        let _ = write!(out, "\n    .successor({successor:?})");
    }
    match response {
        Response::File("gzip") => out.push_str("\n    .format(Format::Gzip)"),
        Response::File("csv") => out.push_str("\n    .format(Format::Csv)"),
        _ => {}
    }
    let has = |name: &str| {
        operation
            .parameters
            .iter()
            .any(|parameter| context.facts.parameter(parameter)["name"] == name)
    };
    if !has("pretty") {
        out.push_str("\n    .without_pretty()");
    }
    if !has("envelope") {
        out.push_str("\n    .without_envelope()");
    }
    out
}

/// Returns the call that adds a parameter to a request, and its checks.
pub(super) fn encode(parameter: &Parameter<'_>, overrides: &Value) -> String {
    let Parameter {
        wire, rust, schema, ..
    } = parameter;
    let list = matches!(parameter.kind, Type::List(_));
    let method = match (parameter.place, list) {
        ("path", _) => "path",
        ("header", _) => "header",
        (_, true) => "query_list",
        _ => "query",
    };
    let value = match (parameter.place, parameter.required) {
        ("path", _) => format!("&self.{rust}"),
        (_, true) => format!("Some(&self.{rust})"),
        _ if list => format!("self.{rust}.as_ref()"),
        _ => format!("self.{rust}.as_ref()"),
    };
    let mut out = format!("out.{method}({wire:?}, {value});\n");
    if list && parameter.required && method == "query_list" {
        let _ = writeln!(out, "out.check_filled({wire:?}, &self.{rust});");
    }
    let checked = match parameter.kind {
        Type::Int => {
            let low = schema["minimum"].as_f64();
            let high = schema["maximum"].as_f64();
            if low.is_none() && high.is_none() {
                return out;
            }
            let bound = |bound: Option<f64>| {
                #[allow(clippy::cast_possible_truncation, reason = "bounds are integers")]
                bound.map_or_else(
                    || "None".to_owned(),
                    |bound| format!("Some({})", separated(bound as i64)),
                )
            };
            let value = if parameter.required {
                format!("Some(self.{rust})")
            } else {
                format!("self.{rust}")
            };
            format!(
                "out.check_range({wire:?}, {value}, {}, {});\n",
                bound(low),
                bound(high)
            )
        }
        Type::Text if parameter.strict.is_none() => {
            let Some(pattern) = schema["pattern"].as_str() else {
                return out;
            };
            let rows = overrides["patterns"].as_array().into_iter().flatten();
            let mut rows = rows.filter(|row| row["enforced"] == true);
            if !rows.any(|row| row["pattern"] == pattern) {
                return out;
            }
            let value = if parameter.required {
                format!("Some(&self.{rust})")
            } else {
                format!("self.{rust}.as_ref()")
            };
            format!("out.check_pattern({wire:?}, {value}, {pattern:?});\n")
        }
        _ => return out,
    };
    out.push_str(&checked);
    out
}

/// Implements `Paged` for an operation.
pub(super) fn paged(parameters: &[Parameter<'_>], name: &str, item: &str, gate: &str) -> String {
    let has = |wire: &str| {
        parameters
            .iter()
            .any(|parameter| parameter.wire == wire && matches!(parameter.kind, Type::Core(_)))
    };
    if has("itemsPerPage") && has("pageNum") {
        format!(
            "{gate}impl Paged for {name} {{\ntype Item = {item};\n\nconst NUMBERED: bool = true;\n\n\
             fn set_page(&mut self, number: PageNumber, size: ItemsPerPage) {{\n\
             self.page_number = Some(number);\nself.items_per_page = Some(size);\n}}\n\n\
             fn page_number(&self) -> Option<PageNumber> {{\nself.page_number\n}}\n\n\
             fn page_size(&self) -> Option<ItemsPerPage> {{\nself.items_per_page\n}}\n}}\n\n"
        )
    } else {
        format!("{gate}impl Paged for {name} {{\ntype Item = {item};\n}}\n\n")
    }
}

/// Formats a number, with an underscore between groups of three digits if it is long.
fn separated(number: i64) -> String {
    let digits = number.to_string();
    if digits.trim_start_matches('-').len() < 6 {
        return digits;
    }
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        let left = digits.len() - index;
        if left.is_multiple_of(3) && text.ends_with(|c: char| c.is_ascii_digit()) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}
