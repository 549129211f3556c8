//! The messages for texts that do not match a pattern.

use atlas_pattern::{PatternError, PatternFault, cluster_name, id, item_name, path_text};

fn id_error(text: &str) -> PatternError {
    let fault = id::parse(text).unwrap_err();
    PatternError::new("snapshotId", text, id::SOURCE, id::EXPECTED, fault)
}

#[test]
fn a_message_shows_the_field_the_text_and_what_is_expected() {
    assert_eq!(
        id_error("nope").to_string(),
        r#"invalid snapshotId "nope": expected 24 lowercase hex digits"#
    );
    assert_eq!(
        id_error("").without_field().to_string(),
        r#"invalid value "": expected 24 lowercase hex digits"#
    );
}

#[test]
fn a_message_is_one_line_without_control_characters_for_any_text() {
    for text in [
        "a\nb",
        "\x1b[31mred",
        "\u{202e}backwards",
        "\u{85}",
        "\u{2028}",
    ] {
        let line = id_error(text).to_string();
        assert!(
            !line.contains(|c: char| c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c)),
            "{line:?}"
        );
    }
}

#[test]
fn a_message_shows_the_start_of_a_long_text_and_its_length() {
    let text = "é".repeat(1_000_000);
    let line = id_error(&text).to_string();
    assert!(line.len() < 300, "{}", line.len());
    assert!(line.contains("éé\"… (2000000 bytes)"), "{line}");
    let text = "a".repeat(80);
    assert!(id_error(&text).to_string().contains(&format!("{text:?}:")));
}

#[test]
fn debug_reads_like_display() {
    let error = id_error("nope");
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[test]
fn an_error_keeps_what_it_was_made_from() {
    let error = id_error("32b6");
    assert_eq!(error.field(), "snapshotId");
    assert_eq!(error.text(), "32b6");
    assert_eq!(error.pattern(), id::SOURCE);
    assert_eq!(error.expected(), id::EXPECTED);
    assert_eq!(
        error.fault(),
        PatternFault::TooShort {
            length: 4,
            minimum: 24
        }
    );
}

#[test]
fn each_module_reports_the_first_wrong_position() {
    let character = |found, position| Err(PatternFault::Character { found, position });
    let id_fault = |text| id::parse(text).map(|_| ());
    assert_eq!(id_fault("abcdefg"), character('g', 7));
    assert_eq!(id_fault("éa"), character('é', 1));
    assert_eq!(
        id_fault("32b6e34b3d91647abb20e7b8\n"),
        Err(PatternFault::TooLong {
            maximum: 24,
            found: '\n'
        })
    );
    assert_eq!(cluster_name::check("a_b"), character('_', 2));
    assert_eq!(cluster_name::check("-a"), character('-', 1));
    assert_eq!(cluster_name::check("a-b_c"), character('_', 4));
    assert_eq!(item_name::check("Größe 2"), character(' ', 6));
    assert_eq!(path_text::check(".."), character('.', 2));
    assert_eq!(
        item_name::check(&"é".repeat(65)),
        Err(PatternFault::TooLong {
            maximum: 64,
            found: 'é'
        })
    );
    for empty in [
        cluster_name::check(""),
        item_name::check(""),
        path_text::check(""),
    ] {
        assert_eq!(
            empty,
            Err(PatternFault::TooShort {
                length: 0,
                minimum: 1
            })
        );
    }
    assert_eq!(path_text::check("..."), Ok(()));
    assert!(path_text::is_match("a/b") && !path_text::is_match("."));
}

#[test]
fn an_id_is_read_as_the_bytes_of_its_digits() {
    assert_eq!(
        id::parse("0123456789abcdeffedcba98"),
        Ok([
            0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98
        ])
    );
}
