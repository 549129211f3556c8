//! Checks the body of an error.

use serde_json::Value;

use crate::difference::{Difference, quoted};
use crate::predicate::shown;

/// Checks the fields of an error body. Each may be absent or null, as in recorded responses; the
/// code is required if a case names it.
pub(crate) fn error(code: &str, status: u16, body: &Value, found: &mut Vec<Difference>) {
    let known = ["error", "errorCode", "detail", "reason"];
    if !known.iter().any(|field| body.get(field).is_some()) {
        let required = "an object with error, errorCode, detail or reason";
        found.push(Difference::new(
            "error body",
            required,
            shown(&body.to_string()),
        ));
        return;
    }
    let mut require = |field: &str, what: &str, fits: &dyn Fn(&Value) -> bool| {
        let value = &body[field];
        if !value.is_null() && !fits(value) {
            found.push(Difference::new(format!("error body /{field}"), what, value));
        }
    };
    let is_status = |it: &Value| it.as_f64() == Some(f64::from(status));
    require("error", &format!("the status {status}"), &is_status);
    require("errorCode", "a string", &Value::is_string);
    require("detail", "a string", &Value::is_string);
    require("reason", "a string", &Value::is_string);
    require("parameters", "an array", &Value::is_array);
    require("badRequestDetail", "an object", &Value::is_object);
    let seen = &body["errorCode"];
    if !matches!(code, "*" | "?") && seen.as_str() != Some(code) {
        found.push(Difference::new(
            "error body /errorCode",
            quoted(Some(code)),
            seen,
        ));
    }
}

/// Checks the parameters of an error: their number, and the values that are known.
pub(crate) fn parameters(wanted: &[Option<String>], body: &Value, found: &mut Vec<Difference>) {
    let seen = &body["parameters"];
    let items = seen.as_array().map(Vec::as_slice);
    let fits = |(wanted, seen): (&Option<String>, &Value)| {
        let text = seen.as_str();
        text.is_some_and(|text| wanted.as_deref().is_none_or(|wanted| wanted == text))
    };
    if !items.is_some_and(|it| it.len() == wanted.len() && wanted.iter().zip(it).all(fits)) {
        let shown = wanted.iter().map(|it| match it {
            Some(text) => quoted(Some(text)),
            None => "any text".to_owned(),
        });
        let shown: Vec<String> = shown.collect();
        let required = format!("[{}]", shown.join(", "));
        found.push(Difference::new("error body /parameters", required, seen));
    }
}

/// Checks that the detail of an error contains each of its parameters.
pub(crate) fn repeats(body: &Value, found: &mut Vec<Difference>) {
    let detail = body["detail"].as_str().unwrap_or_default();
    let parameters = body["parameters"].as_array().into_iter().flatten();
    let missing = |text: &&str| !detail.contains(*text);
    for text in parameters.filter_map(Value::as_str).filter(missing) {
        let required = format!("a text with the parameter {text:?}");
        found.push(Difference::new(
            "error body /detail",
            required,
            quoted(Some(detail)),
        ));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_has_exactly_the_parameters_that_are_required() {
        let fits = |wanted: &[Option<&str>], seen: Value| {
            let wanted: Vec<_> = wanted.iter().map(|it| it.map(str::to_owned)).collect();
            let mut found = Vec::new();
            parameters(&wanted, &json!({"parameters": seen}), &mut found);
            found.is_empty()
        };
        assert!(fits(&[Some("a"), None], json!(["a", "any"])));
        assert!(fits(&[], json!([])));
        assert!(!fits(&[], Value::Null));
        assert!(!fits(&[Some("a")], json!(["a", "b"])));
        assert!(!fits(&[Some("a"), None], json!(["a"])));
        assert!(!fits(&[Some("a")], json!(["b"])));
        assert!(!fits(&[None], json!([1])));
    }

    #[test]
    fn a_detail_repeats_each_parameter() {
        let fits = |body: Value| {
            let mut found = Vec::new();
            repeats(&body, &mut found);
            found.is_empty()
        };
        assert!(fits(
            json!({"detail": "No b in a.", "parameters": ["a", "b"]})
        ));
        assert!(fits(json!({"detail": "Nothing.", "parameters": []})));
        assert!(!fits(json!({"detail": "No b.", "parameters": ["b", "c"]})));
        assert!(!fits(json!({"parameters": ["b"]})));
    }
}
