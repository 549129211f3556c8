//! Generates operations.

use std::fmt::Write as _;

use serde_json::Value;

use super::call::{encode, meta, paged};
use super::item::{bounds, method_name, plain, rust_name};
use super::plan::{Plan, Response, typed_version};
use super::types::Type;
use crate::facts::{Facts, Operation};

/// The inputs for operations, in addition to the facts.
pub(super) struct Context<'a> {
    pub(super) facts: &'a Facts,
    pub(super) overrides: &'a Value,
    /// The former ids of an operation.
    pub(super) formerly: &'a [String],
    /// The name of the Rust type.
    pub(super) name: &'a str,
}

/// A parameter with its types.
pub(super) struct Parameter<'a> {
    pub(super) wire: &'a str,
    pub(super) place: &'a str,
    pub(super) required: bool,
    pub(super) schema: &'a Value,
    pub(super) rust: String,
    pub(super) kind: Type,
    /// The type of the field, if it is stricter than `kind`.
    pub(super) strict: Option<&'static str>,
}

impl Plan {
    pub(super) fn operation(&self, operation: &Operation, context: &Context<'_>) -> String {
        let (version, stable) = typed_version(operation);
        let gate = if stable {
            ""
        } else {
            "#[cfg(feature = \"preview\")]\n"
        };
        let parameters = self.parameters(operation, context.facts);
        let body = self.request(operation, version);
        let response = self.response(operation, version);
        let answer = match &response {
            Response::Nothing => "Empty".to_owned(),
            Response::Json(kind) => self.text(kind),
            Response::File(_) => "Body".to_owned(),
        };
        let name = context.name;
        let mut out = Self::doc(operation, context, &answer);
        let _ = write!(
            out,
            "{gate}#[derive(Debug, Clone, PartialEq)]\n#[non_exhaustive]\npub struct {name} {{\n"
        );
        for parameter in &parameters {
            let text = self.field_text(parameter);
            let text = if parameter.required {
                text
            } else {
                format!("Option<{text}>")
            };
            let _ = writeln!(
                out,
                "{}pub {}: {text},",
                parameter_doc(parameter),
                parameter.rust
            );
        }
        let optional_body = operation.body.as_deref() == Some("optional");
        if let Some(body) = &body {
            let text = self.text(body);
            let text = if optional_body {
                format!("Option<{text}>")
            } else {
                text
            };
            let _ = writeln!(out, "/// The body.\npub body: {text},");
        }
        out.push_str("}\n\n");
        out.push_str(&self.operation_builder(
            &parameters,
            body.as_ref(),
            optional_body,
            name,
            gate,
        ));
        out.push_str(&self.operation_impl(
            operation,
            context,
            &parameters,
            body.as_ref(),
            &response,
            &answer,
            gate,
        ));
        if let Some(item) = answer
            .strip_prefix("Page<")
            .and_then(|rest| rest.strip_suffix('>'))
        {
            out.push_str(&paged(&parameters, name, item, gate));
        }
        out
    }

    pub(super) fn parameters<'a>(
        &self,
        operation: &Operation,
        facts: &'a Facts,
    ) -> Vec<Parameter<'a>>
    where
        Self: 'a,
    {
        let mut found = Vec::new();
        for parameter in &operation.parameters {
            let resolved = parameter
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|name| facts.parameters.get(name));
            let parameter: &'a Value = match resolved {
                Some(parameter) => parameter,
                // The operation itself is part of the facts too.
                None => facts
                    .operations
                    .iter()
                    .find(|known| known.id == operation.id)
                    .and_then(|known| known.parameters.iter().find(|known| *known == parameter))
                    .unwrap_or(&Value::Null),
            };
            let wire = parameter["name"].as_str().unwrap_or_default();
            let place = parameter["in"].as_str().unwrap_or_default();
            if place == "query" && matches!(wire, "envelope" | "pretty") {
                continue;
            }
            let kind = self.parameter(operation, parameter);
            let pattern = parameter["schema"]["pattern"].as_str();
            let strict = (kind == Type::Text && pattern == Some("^[a-zA-Z0-9][a-zA-Z0-9-]*$"))
                .then_some("ClusterName");
            found.push(Parameter {
                wire,
                place,
                required: place == "path" || parameter["required"] == true,
                schema: &parameter["schema"],
                rust: rust_name(wire),
                kind,
                strict,
            });
        }
        // Path parameters in the order of the path, then other required ones, then the page.
        let at = |wire: &str| operation.path.find(&format!("{{{wire}}}"));
        found.sort_by_key(|parameter| {
            let position = at(parameter.wire).filter(|_| parameter.place == "path");
            let paging = matches!(parameter.wire, "includeCount" | "itemsPerPage" | "pageNum");
            (position.is_none(), position, !parameter.required, !paging)
        });
        found
    }

    fn field_text(&self, parameter: &Parameter<'_>) -> String {
        parameter
            .strict
            .map_or_else(|| self.text(&parameter.kind), str::to_owned)
    }

    fn operation_builder(
        &self,
        parameters: &[Parameter<'_>],
        body: Option<&Type>,
        optional_body: bool,
        name: &str,
        gate: &str,
    ) -> String {
        let mut arguments = Vec::new();
        let mut set = Vec::new();
        for parameter in parameters {
            let rust = &parameter.rust;
            if !parameter.required {
                set.push(format!("{rust}: None"));
                continue;
            }
            let (kind, value) = match parameter.strict {
                Some(strict) => (strict.to_owned(), rust.clone()),
                None => self.argument(&parameter.kind, rust),
            };
            arguments.push(format!("{rust}: {kind}"));
            set.push(if value == *rust {
                value
            } else {
                format!("{rust}: {value}")
            });
        }
        if let Some(body) = body {
            if optional_body {
                set.push("body: None".to_owned());
            } else {
                arguments.push(format!("body: {}", self.text(body)));
                set.push("body".to_owned());
            }
        }
        let default = if arguments.is_empty() {
            "#[allow(clippy::new_without_default, reason = \"most operations require something\")]\n"
        } else {
            ""
        };
        let has_parameters = parameters.iter().any(|parameter| parameter.required);
        let doc = match (has_parameters, body.is_some() && !optional_body) {
            (false, false) => "Creates the operation.",
            (false, true) => "Creates the operation with its body.",
            (true, false) => "Creates the operation with its required parameters.",
            (true, true) => "Creates the operation with its required parameters and its body.",
        };
        let mut out = format!(
            "{gate}impl {name} {{\n/// {doc}\n{default}pub fn new({}) -> Self {{ Self {{ {} }} }}\n\n",
            arguments.join(", "),
            set.join(", "),
        );
        for parameter in parameters.iter().filter(|parameter| !parameter.required) {
            let rust = &parameter.rust;
            let (kind, value) = match parameter.strict {
                Some(strict) => (strict.to_owned(), rust.clone()),
                None => self.argument(&parameter.kind, rust),
            };
            let _ = write!(
                out,
                "/// Sets `{}`.\n#[must_use]\npub fn {}(mut self, {rust}: {kind}) -> Self {{\nself.{rust} = Some({value});\nself\n}}\n\n",
                parameter.wire,
                method_name(rust),
            );
        }
        if let (Some(body), true) = (body, optional_body) {
            let _ = write!(
                out,
                "/// Sets the body.\n#[must_use]\npub fn body(mut self, body: {}) -> Self {{\nself.body = Some(body);\nself\n}}\n\n",
                self.text(body)
            );
        }
        out.push_str("}\n\n");
        out
    }

    #[allow(clippy::too_many_arguments, reason = "all parts of one impl")]
    fn operation_impl(
        &self,
        operation: &Operation,
        context: &Context<'_>,
        parameters: &[Parameter<'_>],
        body: Option<&Type>,
        response: &Response,
        answer: &str,
        gate: &str,
    ) -> String {
        let meta = meta(operation, context, response);
        let body_text = body.map_or_else(|| "NoBody".to_owned(), |body| self.text(body));
        let mut out = format!(
            "{gate}impl Operation for {} {{\n    const META: &'static OperationMeta = {meta};\n\n\
             type Response = {answer};\ntype Body = {body_text};\n\n",
            context.name
        );
        if parameters.is_empty() {
            out.push_str("fn encode(&self, _: &mut RequestWriter) {}\n");
        } else {
            out.push_str("fn encode(&self, out: &mut RequestWriter) {\n");
            for parameter in parameters {
                out.push_str(&encode(parameter, context.overrides));
            }
            out.push_str("}\n");
        }
        if body.is_some() {
            let value = if operation.body.as_deref() == Some("optional") {
                "self.body.as_ref()"
            } else {
                "Some(&self.body)"
            };
            let _ = write!(
                out,
                "\nfn body(&self) -> Option<&{body_text}> {{\n{value}\n}}\n"
            );
        }
        out.push_str("}\n\n");
        out
    }

    fn doc(operation: &Operation, context: &Context<'_>, answer: &str) -> String {
        let mut out = format!(
            "/// Calls `{}`: `{} {}`.\n///\n/// Response: {}.\n",
            operation.id,
            operation.method,
            operation.path,
            answered(answer),
        );
        let sunset = |sunset: &Option<String>| {
            sunset
                .as_deref()
                .map(|day| format!(" (sunset date {day})"))
                .unwrap_or_default()
        };
        let (typed, _) = typed_version(operation);
        let versions: Vec<String> = operation
            .versions
            .iter()
            .map(|version| {
                let mark = if version.name == typed.name { "**" } else { "" };
                format!("{mark}{}{mark}{}", version.name, sunset(&version.sunset))
            })
            .collect();
        let _ = writeln!(out, "/// Versions: {}.", versions.join(", "));
        if !operation.roles.is_empty() {
            let _ = writeln!(out, "/// Needs the role {}.", operation.roles.join(" or "));
        }
        if operation
            .security
            .as_ref()
            .is_some_and(|security| security.as_array().is_some_and(Vec::is_empty))
        {
            out.push_str("/// Needs no credentials.\n");
        }
        if let Some(successor) = successor(operation, context.overrides) {
            let _ = writeln!(out, "/// Use `{successor}` instead.");
        } else if operation.deprecated {
            out.push_str("/// Deprecated.\n");
        }
        let mut aliases = vec![operation.id.as_str()];
        aliases.extend(operation.short.as_deref());
        aliases.extend(context.formerly.iter().map(String::as_str));
        let mut seen = vec![context.name];
        for alias in aliases {
            if !seen.contains(&alias) {
                seen.push(alias);
                let _ = writeln!(out, "#[doc(alias = {alias:?})]");
            }
        }
        out
    }
}

fn answered(answer: &str) -> String {
    match answer {
        "Empty" => "nothing".to_owned(),
        "Body" => "a file".to_owned(),
        _ => format!("`{answer}`"),
    }
}

pub(super) fn successor<'a>(operation: &Operation, overrides: &'a Value) -> Option<&'a str> {
    overrides["successors"][&operation.id]["successor"].as_str()
}

fn parameter_doc(parameter: &Parameter<'_>) -> String {
    let mut facts = vec![format!("`{}` in the {}", parameter.wire, parameter.place)];
    facts.extend(bounds(parameter.schema));
    if let Some(default) = plain(&parameter.schema["default"]).filter(|_| !parameter.required) {
        facts.push(format!("by default `{default}`"));
    }
    format!("/// {}.\n", facts.join(", "))
}
