//! Showing things: tables for people, JSON for programs, a bar for whoever waits.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use atlas_backup::Event;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::escape::escape;
use crate::failure::{Failure, print, say};

/// Prints JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_vec_pretty(value)
        .map_err(|error| Failure::File(format!("this cannot be shown as JSON: {error}")))?;
    print(&text)
}

/// Prints a table: a head, and rows whose columns stand below each other. Cells are escaped.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> Result<(), Failure> {
    let rows = rows.iter();
    let rows: Vec<[Cow<'_, str>; N]> = rows
        .map(|row| std::array::from_fn(|column| escape(&row[column])))
        .collect();
    let mut widths = head.map(|cell| cell.chars().count());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: [&str; N]| {
        let cells = cells.iter().zip(widths);
        let padded: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(head)];
    for row in &rows {
        let mut cells = [""; N];
        for (cell, text) in cells.iter_mut().zip(row) {
            *cell = text;
        }
        lines.push(line(cells));
    }
    print(lines.join("\n").as_bytes())
}

/// What is not known, in a table.
pub(crate) fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// How many lines are said at most: what goes on and off for days is no reason for more.
const SAID: usize = 1000;
/// How long something fails before it is told.
const OUTAGE: Duration = Duration::from_secs(10);

/// Shows on stderr how far a backup is: a bar on a terminal, a few lines elsewhere.
#[derive(Default)]
pub(crate) struct Watcher {
    bar: Mutex<Option<ProgressBar>>,
    said: Mutex<BTreeSet<String>>,
}

impl Watcher {
    /// Takes an event.
    pub(crate) fn take(&self, event: Event) {
        match event {
            Event::WaitingForTurn => self.say("another download is under way; waiting for it"),
            Event::WaitingForRun { path, .. } => self.say(&format!(
                "{} is in use by another run; waiting for it",
                path.display()
            )),
            Event::Preparing { status, .. } => {
                self.say(&format!("Atlas is getting the snapshot ready ({status})"));
            }
            Event::Started { length, resumed } => {
                let bar = bar(length);
                bar.set_position(resumed);
                if resumed > 0 {
                    self.say(&format!("going on after {resumed} bytes"));
                }
                *self.bar() = Some(bar);
            }
            Event::Received { received, .. } => {
                if let Some(bar) = &*self.bar() {
                    bar.set_position(received);
                }
            }
            Event::StartedOver => self.say("what was received cannot be used; starting over"),
            Event::LinkRenewed => self.say("the link ended; going on with a new one"),
            Event::Verifying => {
                if let Some(bar) = &*self.bar() {
                    bar.set_message("checking");
                }
            }
            Event::Verified { verified, .. } => {
                if let Some(bar) = &*self.bar() {
                    bar.set_position(verified);
                }
            }
            // An outage of a few seconds is not reported.
            Event::Retrying { reason, since, .. }
                if since >= OUTAGE || std::io::stderr().is_terminal() =>
            {
                self.say(&format!("{reason}; trying again"));
            }
            Event::SetAside { path, kept_as } => self.say(&format!(
                "{} was not written by this program; kept as {}",
                path.display(),
                kept_as.display()
            )),
            Event::Damaged { path } => self.say(&format!(
                "{} has changed since it was downloaded; downloading it again",
                path.display()
            )),
            _ => {}
        }
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        if let Some(bar) = self.bar().take() {
            bar.finish_and_clear();
        }
    }

    fn bar(&self) -> std::sync::MutexGuard<'_, Option<ProgressBar>> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says a line, once.
    fn say(&self, line: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < SAID && said.insert(line.to_owned()) {
            match &*self.bar() {
                Some(bar) if std::io::stderr().is_terminal() => bar.println(escape(line)),
                _ => say(line),
            }
        }
    }
}

/// A bar on stderr, where that is a terminal.
fn bar(length: Option<u64>) -> ProgressBar {
    let (bar, template) = match length {
        Some(length) => (
            ProgressBar::new(length),
            "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        ),
        None => (
            ProgressBar::new_spinner(),
            "{spinner} {msg} {bytes} {bytes_per_sec}",
        ),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
