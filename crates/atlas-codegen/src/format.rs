//! Formats generated Rust code, and compares it independently of its formatting.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Whether two texts of a file are equal. Generated modules are formatted by `rustfmt`; if it is
/// not installed, their words are compared, in any order.
pub(crate) fn same(path: &Path, old: &[u8], new: &[u8]) -> bool {
    if old == new || !is_module(path) {
        return old == new;
    }
    match rustfmt(new) {
        Some(formatted) => old == formatted,
        None => words(old) == words(new),
    }
}

fn words(text: &[u8]) -> Vec<&[u8]> {
    // rustfmt adds commas and braces at line breaks, and sorts imports.
    let layout = |byte: &u8| byte.is_ascii_whitespace() || b",{}".contains(byte);
    let mut words: Vec<&[u8]> = text.split(layout).filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words
}

/// Formats the text with `rustfmt`; returns it unchanged if `rustfmt` is not installed.
pub(crate) fn formatted(path: &Path, text: Vec<u8>) -> Vec<u8> {
    if !is_module(path) {
        return text;
    }
    rustfmt(&text).unwrap_or(text)
}

fn is_module(path: &Path) -> bool {
    let generated = path.iter().any(|folder| folder == "generated");
    generated && path.extension().is_some_and(|extension| extension == "rs")
}

fn rustfmt(text: &[u8]) -> Option<Vec<u8>> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    let input = text.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().ok()?;
    writer.join().ok()?.ok()?;
    output.status.success().then_some(output.stdout)
}
