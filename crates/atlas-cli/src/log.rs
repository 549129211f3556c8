//! Lines on stderr: errors, warnings, progress, and the log of `ATLAS_LOG`.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde_json::{Map, Value, json};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::escape::{escape, escape_lines};
use crate::failure::Failure;

/// The format of lines on stderr.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    // For people.
    #[default]
    Text,
    // One object per line.
    Json,
}

impl LogFormat {
    /// The format that the arguments of the process name, before they are parsed.
    fn of_process() -> Self {
        let arguments: Vec<_> = std::env::args_os().skip(1).collect();
        let is_json = arguments.iter().any(|it| it == "--log-format=json")
            || arguments
                .windows(2)
                .any(|it| it[0] == "--log-format" && it[1] == "json");
        if is_json { Self::Json } else { Self::Text }
    }
}

/// The settings of all lines of the process.
#[derive(Debug, Clone, Copy, Default)]
struct Settings {
    format: LogFormat,
    quiet: bool,
}

static SETTINGS: OnceLock<Settings> = OnceLock::new();

fn settings() -> Settings {
    let unset = || Settings {
        format: LogFormat::of_process(),
        quiet: false,
    };
    SETTINGS.get().copied().unwrap_or_else(unset)
}

/// Sets the format of lines and whether only errors are written, and starts the log if `ATLAS_LOG`
/// is set: `debug`, or a filter such as `warn,atlas_transport=trace`. The log contains no secrets.
pub(crate) fn start(format: LogFormat, quiet: bool) -> Result<(), Failure> {
    let _ = SETTINGS.set(Settings { format, quiet });
    let Some(text) = std::env::var_os("ATLAS_LOG").filter(|text| !text.is_empty()) else {
        return Ok(());
    };
    let filter = text.to_str().and_then(filter).ok_or_else(|| {
        Failure::Usage(format!(
            "invalid ATLAS_LOG \"{}\": expected off, error, warn, info, debug or trace, or a filter \
             such as warn,atlas_transport=trace",
            text.display()
        ))
    })?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Escaping)
        .with_ansi(false);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}

/// The severity of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Error,
    Failed,
    Problem,
    Warn,
    Info,
}

/// Writes the failure that ends the command.
pub(crate) fn error(failure: &Failure) {
    let fields = json!({"exitCode": failure.exit_code()});
    line(Level::Error, &failure.to_string(), fields);
}

/// Writes the failure of one of several items, which does not end the command.
pub(crate) fn failed(text: &str, fields: Value) {
    line(Level::Failed, text, fields);
}

/// Writes a problem that needs attention but does not end the command.
pub(crate) fn problem(text: &str) {
    line(Level::Problem, text, Value::Null);
}

/// Writes a warning, unless `--quiet` was given.
pub(crate) fn warn(text: &str) {
    line(Level::Warn, text, Value::Null);
}

/// Writes a warning once per run, even if several clusters cause it.
pub(crate) fn warn_once(text: &str) {
    static WARNED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut warned = WARNED.lock().unwrap_or_else(PoisonError::into_inner);
    if warned.insert(text.to_owned()) {
        warn(text);
    }
}

/// Writes progress, unless `--quiet` was given.
pub(crate) fn note(text: &str) {
    line(Level::Info, text, Value::Null);
}

/// Writes progress with fields for programs, unless `--quiet` was given.
pub(crate) fn note_with(text: &str, fields: Value) {
    line(Level::Info, text, fields);
}

/// Whether only errors are written.
pub(crate) fn is_quiet() -> bool {
    settings().quiet
}

/// Whether lines are JSON.
pub(crate) fn is_json() -> bool {
    settings().format == LogFormat::Json
}

/// Writes a text of several lines for people, escaped.
pub(crate) fn lines(text: &str) {
    let _ = writeln!(io::stderr(), "{}", escape_lines(text.trim_end()));
}

/// Writes a line. A closed stderr is not an error.
fn line(level: Level, text: &str, fields: Value) {
    if matches!(level, Level::Warn | Level::Info) && is_quiet() {
        return;
    }
    let text = escape(text);
    if is_json() {
        let line = json_line(level, &text, fields);
        let _ = writeln!(io::stderr(), "{}", escape(&line));
        return;
    }
    // `anstream` drops colours without a terminal, and with NO_COLOR.
    let (prefix, color) = match level {
        Level::Error => ("error:", AnsiColor::Red),
        Level::Warn => ("warning:", AnsiColor::Yellow),
        Level::Failed | Level::Problem | Level::Info => {
            let _ = writeln!(io::stderr(), "{text}");
            return;
        }
    };
    let style = Style::new().bold().fg_color(Some(color.into()));
    let _ = writeln!(anstream::stderr(), "{style}{prefix}{style:#} {text}");
}

fn json_line(level: Level, text: &str, fields: Value) -> String {
    let level = match level {
        Level::Error | Level::Failed => "ERROR",
        Level::Problem | Level::Warn => "WARN",
        Level::Info => "INFO",
    };
    let mut line = Map::new();
    let now = jiff::Timestamp::now();
    line.insert("timestamp".to_owned(), now.to_string().into());
    line.insert("level".to_owned(), level.into());
    line.insert("message".to_owned(), text.into());
    if let Value::Object(fields) = fields {
        line.extend(fields);
    }
    Value::Object(line).to_string()
}

/// Parses a filter. A bare word must be a level: `EnvFilter` would read a misspelt level as the name
/// of a module and log nothing.
fn filter(text: &str) -> Option<EnvFilter> {
    let is_level = |word: &str| !word.is_empty() && word.parse::<LevelFilter>().is_ok();
    let mut directives = text.split(',').map(str::trim);
    let sound = directives.all(|directive| match directive.rsplit_once('=') {
        // Fields in brackets may contain "=".
        _ if directive.contains(['[', ']', '{', '}', '"']) => true,
        Some((_, level)) => is_level(level.trim()),
        None => is_level(directive),
    });
    EnvFilter::try_new(text).ok().filter(|_| sound)
}

/// Stderr, with control characters escaped in each line.
struct Escaping;

impl Write for Escaping {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(escaped(line).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Returns an event as one line: all line feeds but the last are escaped, since they could start a
/// forged line.
fn escaped(event: &[u8]) -> String {
    let text = String::from_utf8_lossy(event);
    let text = escape(text.strip_suffix('\n').unwrap_or(&text));
    format!("{text}\n")
}

#[cfg(test)]
mod tests {
    use super::{Level, escaped, filter, json_line};

    #[test]
    fn an_event_is_one_line_even_with_line_feeds_of_a_server() {
        let line = escaped(b"INFO refused detail=a\nERROR forged\x1b[2J\n");
        assert_eq!(line, "INFO refused detail=a\\nERROR forged\\u001b[2J\n");
    }

    #[test]
    fn a_filter_is_refused_unless_each_part_names_a_level() {
        for text in [
            "debug",
            "OFF",
            "warn,atlas_transport=trace",
            "hyper=info, debug",
            "[call{id=3}]=debug",
        ] {
            assert!(filter(text).is_some(), "{text}");
        }
        for text in ["verbose", "debug,", "atlas=loud", "=", ",", "atlas_backup"] {
            assert!(filter(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_line_of_json_has_its_fields_next_to_message_and_level() {
        let line = json_line(Level::Error, "refused", serde_json::json!({"exitCode": 4}));
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["level"], "ERROR");
        assert_eq!(read["message"], "refused");
        assert_eq!(read["exitCode"], 4);
        assert!(read["timestamp"].as_str().unwrap().ends_with('Z'));
    }
}
