//! Compares numbers exactly: two large integers can be the same floating-point number.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// Whether two keywords have the same value; `1` and `1.0` are equal.
pub(super) fn same(left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left, right) {
        (Some(Value::Number(left)), Some(Value::Number(right))) => {
            compare(left, right) == Ordering::Equal
        }
        _ => left == right,
    }
}

/// Whether `left` is a greater number than `right`, or the only number.
pub(super) fn is_above(left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left, right) {
        (Some(Value::Number(left)), Some(Value::Number(right))) => {
            compare(left, right) == Ordering::Greater
        }
        (Some(Value::Number(_)), _) => true,
        _ => false,
    }
}

/// Formats a number for messages; `1.0` is `1`.
pub(super) fn text(number: &Number) -> String {
    whole(number).map_or_else(|| number.to_string(), |whole| whole.to_string())
}

fn compare(left: &Number, right: &Number) -> Ordering {
    if let (Some(left), Some(right)) = (whole(left), whole(right)) {
        return left.cmp(&right);
    }
    // One of them has a fraction, so it is far below the integers that f64 cannot represent.
    let float = |number: &Number| number.as_f64().unwrap_or_default();
    float(left).total_cmp(&float(right))
}

fn whole(number: &Number) -> Option<i128> {
    if let Some(integer) = number.as_i128() {
        return Some(integer);
    }
    let float = number.as_f64()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole, and within the range"
    )]
    (float.fract() == 0.0 && float.abs() < 1e38).then_some(float as i128)
}
