//! Follows a value over several responses, such as the state of a cluster.

use bytes::Bytes;
use http::Response;
use serde_json::Value;

use crate::case::Through;
use crate::difference::Difference;

/// The sequence of values seen at a place, without repetitions.
pub(crate) struct Course<'a> {
    through: &'a Through,
    seen: Vec<String>,
}

impl<'a> Course<'a> {
    pub(crate) fn of(through: &'a Through) -> Self {
        let seen = Vec::new();
        Self { through, seen }
    }

    /// Records the value in a response. Returns whether the sequence is complete or has deviated.
    pub(crate) fn see(&mut self, answer: &Response<Bytes>) -> bool {
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let value = match body.pointer(&self.through.at) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => answer.status().as_u16().to_string(),
        };
        if self.seen.last() != Some(&value) {
            self.seen.push(value);
        }
        match self.rest() {
            Some(rest) => rest.is_empty(),
            None => true,
        }
    }

    /// Returns the difference from the required sequence.
    pub(crate) fn difference(&self) -> Option<Difference> {
        if self.rest().is_some_and(<[String]>::is_empty) {
            return None;
        }
        let place = format!("values of {}", self.through.at);
        let arrow = " → ";
        let (required, seen) = (self.through.values.join(arrow), self.seen.join(arrow));
        Some(Difference::new(place, required, seen))
    }

    /// Returns the values still to come, or `None` if the sequence has deviated.
    fn rest(&self) -> Option<&'a [String]> {
        let mut rest = self.through.values.as_slice();
        for value in &self.seen {
            loop {
                let (next, after) = rest.split_first()?;
                rest = after;
                if next.strip_suffix('?').unwrap_or(next) == value {
                    break;
                }
                if !next.ends_with('?') {
                    return None;
                }
            }
        }
        Some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the reported difference of these states, and how many responses were read.
    fn found(values: &[&str], answers: &[Option<&str>]) -> (Option<String>, usize) {
        let through = Through {
            at: "/state".to_owned(),
            values: values.iter().map(ToString::to_string).collect(),
        };
        let mut course = Course::of(&through);
        let mut looked_at = 0;
        for state in answers {
            let status = if state.is_some() { 200 } else { 404 };
            let body = serde_json::json!({"state": state});
            let body = state.map_or_else(String::new, |_| body.to_string());
            let answer = Response::builder().status(status).body(body.into());
            looked_at += 1;
            if course.see(&answer.unwrap()) {
                break;
            }
        }
        (course.difference().map(|it| it.seen), looked_at)
    }

    #[test]
    fn a_course_ends_with_its_last_value() {
        let all = ["CREATING", "UPDATING?", "IDLE"];
        let (new, ready) = (Some("CREATING"), Some("IDLE"));
        assert_eq!(found(&all, &[new, new, ready, ready]), (None, 3));
        let between = [new, Some("UPDATING"), ready];
        assert_eq!(found(&all, &between), (None, 3));
        assert_eq!(
            found(&["DELETING", "404"], &[Some("DELETING"), None]),
            (None, 2)
        );
    }

    #[test]
    fn a_missing_value_or_another_order_is_reported() {
        let all = ["CREATING", "UPDATING?", "IDLE"];
        let (new, ready) = (Some("CREATING"), Some("IDLE"));
        let reported = |seen: &str, looked_at| (Some(seen.to_owned()), looked_at);
        assert_eq!(found(&all, &[ready]), reported("IDLE", 1));
        assert_eq!(found(&all, &[new, new]), reported("CREATING", 2));
        assert_eq!(found(&all, &[new, None]), reported("CREATING → 404", 2));
        assert_eq!(found(&all, &[]), reported("", 0));
    }
}
