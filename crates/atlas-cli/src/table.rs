//! Tables for people.

use std::io::IsTerminal as _;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use serde_json::Value;

use crate::escape::escape;

/// What is shown of a value that is not there.
const ABSENT: &str = "-";

/// A column: its head, and the fields whose first that is there it shows. A field is named by its
/// path, such as `cloudProvider` or `policy.id`.
pub(crate) type Column = (&'static str, &'static [&'static str]);

/// A table of items of Atlas, a line each.
pub(crate) fn of_items(columns: &[Column], items: &[Value]) -> String {
    let heads = columns.iter().map(|(head, _)| *head);
    let rows = items.iter().map(|item| {
        let cells = columns.iter().map(|(_, fields)| cell(item, fields));
        cells.collect()
    });
    of_rows(heads, rows)
}

/// The text of the first field that is there.
pub(crate) fn cell(item: &Value, fields: &[&str]) -> String {
    let found = fields.iter().find_map(|field| {
        let value = field
            .split('.')
            .try_fold(item, |value, name| value.get(name))?;
        (!value.is_null()).then_some(value)
    });
    found.map_or_else(|| ABSENT.to_owned(), text)
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => ABSENT.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(text).collect();
            items.join("; ")
        }
        other => other.to_string(),
    }
}

/// A table of texts. Cells are escaped. On a terminal, what is wider than it is wrapped inside its
/// column; elsewhere each row is one line.
pub(crate) fn of_rows<'a>(
    heads: impl Iterator<Item = &'a str>,
    rows: impl Iterator<Item = Vec<String>>,
) -> String {
    let width = std::io::stdout()
        .is_terminal()
        .then(terminal_size::terminal_size)
        .flatten()
        .map(|(width, _)| width.0);
    render(heads, rows, width)
}

fn render<'a>(
    heads: impl Iterator<Item = &'a str>,
    rows: impl Iterator<Item = Vec<String>>,
    width: Option<u16>,
) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(heads);
    let rows: Vec<Vec<String>> = rows.collect();
    for row in &rows {
        table.add_row(row.iter().map(|cell| escape(cell).into_owned()));
    }
    let mut room = usize::from(width.unwrap_or(u16::MAX));
    room = room.saturating_sub(NARROWEST * table.column_count());
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        let mut cells = rows.iter().filter_map(|row| row.get(index));
        // An id is there to be copied: it is not wrapped while the others have room.
        let more = ID + PADDING - NARROWEST;
        if room >= more && cells.any(|cell| is_id(cell)) {
            room -= more;
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    match width {
        Some(width) => table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table.trim_fmt()
}

/// How many characters an id has.
const ID: usize = 24;
/// How wide a column has to be at least, with its padding.
const NARROWEST: usize = 5;
const PADDING: usize = 2;

fn is_id(text: &str) -> bool {
    text.len() == ID && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COLUMNS: [Column; 3] = [
        ("ID", &["id"]),
        ("ENDS", &["expiresAt", "expiration"]),
        ("LINKS", &["urls"]),
    ];

    #[test]
    fn a_cell_shows_the_first_field_that_is_there_on_one_line() {
        let items = [
            json!({"id": "a\u{1b}[2J\nb", "expiration": "2026", "urls": ["x", "y"]}),
            json!({"id": 7, "expiresAt": null, "urls": []}),
        ];
        let lines = of_items(&COLUMNS, &items);
        let expected = "ID             ENDS  LINKS\na\\u001b[2J\\nb  2026  x; y\n7              -";
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_row_fits_the_terminal() {
        let rows = [vec!["a".repeat(24), "word ".repeat(40)]];
        let text = render(["ID", "TEXT"].into_iter(), rows.into_iter(), Some(60));
        assert!(text.lines().count() > 3, "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 60),
            "{text}"
        );
        assert!(text.contains(&"a".repeat(24)), "ids stay whole: {text}");
    }
}
