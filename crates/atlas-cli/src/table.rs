//! Tables for people.

use std::io::IsTerminal as _;

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use crate::escape::escape;

/// The text of a missing value.
const ABSENT: &str = "-";

/// A column: its head, and its fields, of which it shows the first that is present. A field is named
/// by its path, such as `cloudProvider` or `policy.id`.
pub(crate) type Column = (&'static str, &'static [&'static str]);

/// A table of items of Atlas, one line each.
pub(crate) fn of_items(columns: &[Column], items: &[Value]) -> String {
    let heads = columns.iter().map(|(head, _)| *head);
    let rows = items.iter().map(|item| {
        let cells = columns.iter().map(|(_, fields)| cell(item, fields));
        cells.collect()
    });
    of_rows(heads, rows)
}

/// The text of the first field that is present.
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

/// A table of texts, whose cells are escaped. On a terminal that is too narrow for it, each row is a block
/// with a line for each cell, so that no value is wrapped.
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
    let heads: Vec<&str> = heads.collect();
    let rows: Vec<Vec<String>> = rows
        .map(|row| row.iter().map(|cell| escape(cell).into_owned()).collect())
        .collect();
    let table = plain(Some(&heads), rows.iter().map(Vec::as_slice));
    let room = u32::from(PADDING) * u32::try_from(heads.len()).unwrap_or(u32::MAX);
    let columns = table.column_max_content_widths();
    let needed = columns.iter().map(|width| u32::from(*width)).sum::<u32>() + room;
    let fits = |width: u16| needed <= u32::from(width) + u32::from(PADDING);
    if width.is_none_or(fits) || rows.is_empty() {
        return table.trim_fmt();
    }
    let blocks = rows.iter().map(|row| {
        let lines = heads.iter().zip(row);
        let lines: Vec<[String; 2]> = lines
            .map(|(head, cell)| [(*head).to_owned(), cell.clone()])
            .collect();
        plain(None, lines.iter().map(<[String; 2]>::as_slice)).trim_fmt()
    });
    blocks.collect::<Vec<_>>().join("\n\n")
}

/// The number of spaces between columns.
const PADDING: u16 = 2;

/// A table without lines, each row on one line.
fn plain<'a>(heads: Option<&[&str]>, rows: impl Iterator<Item = &'a [String]>) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    if let Some(heads) = heads {
        table.set_header(heads);
    }
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, PADDING));
    }
    table
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
    fn a_cell_shows_the_first_field_that_is_present_on_one_line() {
        let items = [
            json!({"id": "a\u{1b}[2J\nb", "expiration": "2026", "urls": ["x", "y"]}),
            json!({"id": 7, "expiresAt": null, "urls": []}),
        ];
        let lines = of_items(&COLUMNS, &items);
        let expected = "ID             ENDS  LINKS\na\\u001b[2J\\nb  2026  x; y\n7              -";
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_row_that_is_wider_than_the_terminal_is_a_block_of_lines() {
        let rows = || ["a", "b"].map(|id| vec![id.repeat(24), "2026-01-08T00:00:00Z".to_owned()]);
        let shown = |width| render(["ID", "EXPIRES AT"].into_iter(), rows().into_iter(), width);
        let blocks = shown(Some(45));
        let (a, b) = ("a".repeat(24), "b".repeat(24));
        let block = |id: &str| format!("ID          {id}\nEXPIRES AT  2026-01-08T00:00:00Z");
        assert_eq!(blocks, format!("{}\n\n{}", block(&a), block(&b)));
        assert_eq!(shown(Some(46)), shown(None), "it fits");
        assert_eq!(shown(None).lines().count(), 3);
    }
}
