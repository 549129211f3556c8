//! The log on stderr, when `ATLAS_LOG` asks for it.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::escape::escape;
use crate::failure::Failure;

/// Starts the log if `ATLAS_LOG` asks for one: `debug`, or a filter such as
/// `warn,atlas_transport=trace`. The log holds no secret.
pub(crate) fn to_stderr() -> Result<(), Failure> {
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
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Escaping)
        .with_ansi(false)
        .init();
    Ok(())
}

/// Reads a filter. A bare word must be a level: the filter's own syntax would take a misspelt one
/// for the name of a module and log nothing.
fn filter(text: &str) -> Option<EnvFilter> {
    let is_level = |word: &str| !word.is_empty() && word.parse::<LevelFilter>().is_ok();
    let mut directives = text.split(',').map(str::trim);
    let sound = directives.all(|directive| match directive.rsplit_once('=') {
        // Fields in brackets may hold "=" themselves.
        _ if directive.contains(['[', ']', '{', '}', '"']) => true,
        Some((_, level)) => is_level(level.trim()),
        None => is_level(directive),
    });
    EnvFilter::try_new(text).ok().filter(|_| sound)
}

/// Stderr, with what a server may have put into a line escaped.
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

/// An event as one line. Its own line feed ends it; any other would begin a forged one.
fn escaped(event: &[u8]) -> String {
    let text = String::from_utf8_lossy(event);
    let text = escape(text.strip_suffix('\n').unwrap_or(&text));
    format!("{text}\n")
}

#[cfg(test)]
mod tests {
    use super::{escaped, filter};

    #[test]
    fn an_event_is_one_line_whatever_a_server_put_into_it() {
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
}
