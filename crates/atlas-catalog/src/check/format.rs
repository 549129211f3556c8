//! The formats of the description.
//!
//! `email` and `uri` are not enforced: recorded responses have the public part of an API key in a
//! field documented as an email address. `password`, `byte`, `float` and `double` have no form to
//! check.

use serde_json::Number;

/// Returns the expected form of a text if the text does not have its format.
pub(super) fn text(format: &str, text: &str) -> Option<&'static str> {
    let (fits, expected) = match format {
        "date-time" => (
            is_date_time(text),
            "an RFC 3339 timestamp such as 2026-05-04T09:42:00Z",
        ),
        "date" => (is_date(text), "a date such as 2026-05-04"),
        "uuid" => (is_uuid(text), "a UUID"),
        _ => return None,
    };
    (!fits).then_some(expected)
}

/// Returns the expected form of a number if the number does not have its format.
pub(super) fn number(format: &str, number: &Number) -> Option<&'static str> {
    let float = || number.as_f64().unwrap_or(f64::NAN);
    match format {
        "int32" => {
            let fits = number.as_i64().map_or_else(
                || (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&float()),
                |whole| i32::try_from(whole).is_ok(),
            );
            (!fits).then_some("a 32-bit integer")
        }
        "int64" => {
            let end = 2_f64.powi(63);
            let fits = number.is_i64() || !number.is_u64() && (-end..end).contains(&float());
            (!fits).then_some("a 64-bit integer")
        }
        _ => None,
    }
}

/// Whether a text is a `date-time` of RFC 3339 section 5.6. A leap second is accepted in any
/// minute.
fn is_date_time(text: &str) -> bool {
    let Some((date, rest)) = text.split_at_checked(10) else {
        return false;
    };
    let Some(rest) = rest.strip_prefix(['T', 't', ' ']) else {
        return false;
    };
    let Some((time, rest)) = rest.split_at_checked(8) else {
        return false;
    };
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => {
            let after = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if after.len() == fraction.len() {
                return false;
            }
            after
        }
        None => rest,
    };
    let zone = match rest {
        "Z" | "z" => true,
        _ => rest
            .strip_prefix(['+', '-'])
            .is_some_and(|offset| in_form(offset, "00:00", &[(0, 23), (3, 59)])),
    };
    is_date(date) && in_form(time, "00:00:00", &[(0, 23), (3, 59), (6, 60)]) && zone
}

pub(crate) fn is_date(text: &str) -> bool {
    if !in_form(text, "0000-00-00", &[(5, 12), (8, 31)]) {
        return false;
    }
    let part = |from: usize, to: usize| text[from..to].parse::<u32>().unwrap_or(0);
    let (year, month, day) = (part(0, 4), part(5, 7), part(8, 10));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Whether a text has digits where the form has zeros and the form's characters elsewhere, and the
/// two-digit numbers at some positions are within their limits.
fn in_form(text: &str, form: &str, bounds: &[(usize, u32)]) -> bool {
    let fits = |(byte, expected): (u8, u8)| match expected {
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    };
    text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(fits)
        && bounds.iter().all(|(at, most)| {
            text[*at..at + 2]
                .parse::<u32>()
                .is_ok_and(|number| number <= *most)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_times_are_those_of_rfc_3339() {
        for text in [
            "2026-05-04T09:42:00Z",
            "2024-02-29T23:59:60Z",
            "2026-05-04T09:42:00.123456789Z",
            "2026-05-04t09:42:00+23:59",
        ] {
            assert!(is_date_time(text), "{text}");
        }
        for text in [
            "",
            "2026-05-04",
            "2026-05-04T09:42:00",
            "2026-05-04T09:42Z",
            "2026-02-29T00:00:00Z",
            "2026-13-04T09:42:00Z",
            "2026-05-04T24:00:00Z",
            "2026-05-04T09:42:00.Z",
            "2026-05-04T09:42:00+1:00",
            "2026-05-04T09:42:00ZZ",
            "２026-05-04T09:42:00Z",
            "2026-00-10T00:00:00Z",
            "2026-01-00T00:00:00Z",
        ] {
            assert!(!is_date_time(text), "{text}");
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for text in [
            "2024-02-29",
            "2000-02-29",
            "2400-02-29",
            "2023-02-28",
            "2026-01-31",
            "2026-04-30",
            "2026-12-31",
        ] {
            assert!(is_date(text), "{text}");
        }
        for text in [
            "2023-02-29",
            "1900-02-29",
            "2100-02-29",
            "2024-02-30",
            "2026-04-31",
            "2026-06-31",
            "2026-09-31",
            "2026-11-31",
            "2026-01-32",
            "2026-00-01",
        ] {
            assert!(!is_date(text), "{text}");
        }
    }

    #[test]
    fn whole_numbers_stay_within_their_bits() {
        let number = |text: &str| serde_json::from_str::<Number>(text).unwrap();
        for (format, text, fits) in [
            ("int32", "2147483647", true),
            ("int32", "2147483648", false),
            ("int32", "-2147483649", false),
            ("int32", "1.0", true),
            ("int32", "2147483647.0", true),
            ("int32", "2147483648.0", false),
            ("int32", "-2147483648.0", true),
            ("int32", "-2147483649.0", false),
            ("int32", "1e300", false),
            ("int64", "9223372036854775807", true),
            ("int64", "9223372036854775808", false),
            ("int64", "9223372036854775808.0", false),
            ("int64", "-9223372036854775808.0", true),
            ("int64", "1e19", false),
            ("int64", "-1e19", false),
            ("double", "1e300", true),
        ] {
            assert_eq!(
                super::number(format, &number(text)).is_none(),
                fits,
                "{format} {text}"
            );
        }
    }
}
