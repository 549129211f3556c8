//! Reports: judgements as a matrix in Markdown or HTML, as `JUnit` XML and as JSON lines, and the
//! fidelity score of servers.

mod fidelity;
mod html;
mod junit;
mod matrix;

pub use fidelity::fidelity;
pub use html::html;
pub use junit::junit;
pub use matrix::markdown;

use crate::verdict::Judgement;

/// Returns the judgements as JSON, one object per line.
pub fn json_lines(judgements: &[Judgement]) -> String {
    let lines = judgements
        .iter()
        .filter_map(|judgement| serde_json::to_string(judgement).ok());
    lines.map(|line| line + "\n").collect()
}

/// Returns a text with its control characters, except line breaks, and its noncharacters escaped:
/// XML 1.0 and HTML do not allow them, and tables have no others.
fn visible(text: &str) -> String {
    let shown = |character: char| {
        if character != '\n' && (character.is_control() || is_noncharacter(character)) {
            character.escape_default().to_string()
        } else {
            character.to_string()
        }
    };
    text.chars().map(shown).collect()
}

/// Whether Unicode never assigns the code point: the last two of each plane, and U+FDD0 to U+FDEF.
fn is_noncharacter(character: char) -> bool {
    u32::from(character) & 0xfffe == 0xfffe || matches!(character, '\u{fdd0}'..='\u{fdef}')
}

/// Escapes a text for a cell of a Markdown table.
fn table_text(text: &str) -> String {
    let escaped = |character: char| match character {
        '\n' => "\\\\n".to_owned(),
        '|' | '\\' | '<' => format!("\\{character}"),
        other => other.to_string(),
    };
    visible(text).chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::case::Case;
    use crate::difference::Difference;
    use crate::verdict::Verdict;

    /// A judgement of a server in which every text of others is `text`.
    fn judgement(text: &str) -> Judgement {
        let case = serde_json::json!({
            "id": text, "area": text, "level": "MUST", "since": null, "requires": text,
            "source": "recorded: x", "flow": {"steps": [{"advance": 1}]},
        });
        let case: Case = serde_json::from_value(case).unwrap();
        let mut judgement = Judgement::without(text, &case, Verdict::Fail, text.to_owned());
        judgement.version = text.to_owned();
        judgement.tag = Some(text.to_owned());
        judgement.conversation = text.to_owned();
        judgement
            .differences
            .push(Difference::new(text, text, text));
        judgement
    }

    #[test]
    fn no_report_has_a_character_that_xml_or_html_forbids() {
        let odd =
            "\0\u{1}\u{b}\u{1b}[2J\r\u{7f}\u{85}\u{fdd0}\u{fffe}\u{ffff}\u{1ffff}\t\n]]>&<\"'ok";
        let (judgements, expected) = ([judgement(odd)], BTreeMap::new());
        let junit = junit(&judgements, &expected).unwrap();
        for report in [junit, html(&judgements, &expected)] {
            let odd = report.chars().find(|character| {
                let is_control = character.is_control() && *character != '\n';
                is_control || is_noncharacter(*character)
            });
            assert_eq!(odd, None, "{report}");
            for shown in ["\\u{0}", "\\u{1b}[2J", "\\r", "\\u{fffe}\\u{ffff}", "\\t"] {
                assert!(report.contains(shown), "{shown}: {report}");
            }
        }
    }

    #[test]
    fn foreign_text_stays_in_its_cell() {
        let judgements = [judgement("a|b\\|\n<c>")];
        for table in [markdown(&judgements), fidelity(&judgements)] {
            let lines: Vec<&str> = table.lines().collect();
            assert_eq!(lines.len(), 4, "{table}");
            for line in lines {
                let bars = line.replace("\\\\", "").replace("\\|", "");
                assert_eq!(bars.matches('|').count(), 3, "{table}");
                assert!(!line.contains(" <c>") && !line.contains("n<c>"), "{table}");
            }
            assert!(table.contains(r"a\|b\\\|\\n\<c>"), "{table}");
        }
    }
}
