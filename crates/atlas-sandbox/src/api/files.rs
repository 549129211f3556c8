//! Responses that are files: small gzip or CSV files with valid content.

use std::io::Write as _;

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::gzip;

/// The file of an operation.
pub(crate) fn of(call: &Call<'_>) -> Answer {
    let id = call.operation.id();
    if call.format == "csv" {
        let mut text = String::from("date,operation\n");
        let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{},{id}\n", call.now));
        return Answer::bytes(text);
    }
    let mut line = Vec::new();
    let _ = writeln!(line, "{{\"t\":\"{}\",\"msg\":\"{id}\"}}", call.now);
    Answer::bytes(gzip::of(&line))
}
