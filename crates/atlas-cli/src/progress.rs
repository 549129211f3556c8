//! How far a backup is, on stderr: a bar on a terminal, a line a minute elsewhere.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use atlas_backup::Event;
use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::escape::escape;
use crate::log;

/// The most lines of one run: an outage that comes and goes for days must not fill a log.
const SAID: usize = 1000;
/// How long something fails before it is told.
const OUTAGE: Duration = Duration::from_secs(10);
/// How often a line reports progress where there is no bar.
const EVERY: Duration = Duration::from_secs(60);

/// Shows on stderr how far a backup is.
#[derive(Default)]
pub(crate) struct Watcher {
    /// What the lines are about, if there are several.
    subject: Option<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bar: Option<ProgressBar>,
    stage: Option<Stage>,
    said: BTreeSet<String>,
}

/// Something that takes long.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stage {
    what: &'static str,
    length: Option<u64>,
    /// How far it was when it began.
    base: u64,
    since: Instant,
    /// When a line was written last.
    told: Instant,
}

impl Watcher {
    /// One of several: each line says which.
    pub(crate) fn of(subject: &str) -> Self {
        Self {
            subject: Some(subject.to_owned()),
            state: Mutex::default(),
        }
    }

    /// Takes an event.
    pub(crate) fn take(&self, event: Event) {
        match event {
            Event::WaitingForTurn => self.say("another download is under way; waiting for it"),
            Event::WaitingForRun { path, .. } => self.write(
                &format!(
                    "{} is in use by another run; waiting for it",
                    path.display()
                ),
                json!({}),
            ),
            Event::Preparing { status, .. } => {
                self.say(&format!("Atlas is getting the snapshot ready ({status})"));
            }
            Event::Started { length, resumed } => {
                self.begin("received", length, resumed);
                if resumed > 0 {
                    self.say(&format!("resuming after {resumed} bytes"));
                }
            }
            Event::Received { received, .. } => self.reach(received),
            Event::StartedOver => self.say("what was received cannot be used; starting over"),
            Event::LinkRenewed => self.say("the link has ended; continuing with a new one"),
            Event::Verifying => {
                let length = self.state().stage.as_ref().and_then(|stage| stage.length);
                self.begin("checked", length, 0);
            }
            Event::Verified { verified, .. } => self.reach(verified),
            Event::Checking { read, length, .. } => {
                if read == 0 {
                    self.begin("checked", Some(length), 0);
                }
                self.reach(read);
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
        let mut state = self.state();
        state.stage = None;
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// A stage begins.
    fn begin(&self, what: &'static str, length: Option<u64>, base: u64) {
        let now = Instant::now();
        let mut state = self.state();
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
        }
        state.stage = Some(Stage {
            what,
            length,
            base,
            since: now,
            told: now,
        });
        // There is one bar: of several clusters, each has lines.
        if self.subject.is_none() && has_bar() {
            let bar = bar(what, length);
            bar.set_position(base);
            bar.reset_eta();
            state.bar = Some(bar);
        }
    }

    /// The stage is so many bytes far.
    fn reach(&self, bytes: u64) {
        let mut now = self.state();
        if let Some(bar) = &now.bar {
            bar.set_position(bytes);
            return;
        }
        let Some(stage) = &mut now.stage else {
            return;
        };
        if let Some((line, fields)) = stage.line(bytes, Instant::now()) {
            self.write(&line, fields);
        }
    }

    fn write(&self, line: &str, mut fields: Value) {
        match &self.subject {
            Some(subject) => {
                fields["clusterName"] = subject.as_str().into();
                log::note_with(&format!("{subject}: {line}"), fields);
            }
            None => log::note_with(line, fields),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says a line, once.
    fn say(&self, line: &str) {
        let mut state = self.state();
        if state.said.len() < SAID && state.said.insert(line.to_owned()) {
            match &state.bar {
                Some(bar) if !log::is_quiet() => bar.println(escape(line)),
                _ => self.write(line, json!({})),
            }
        }
    }
}

impl Stage {
    /// A line that says how far it is, if the last one is a minute old.
    fn line(&mut self, bytes: u64, now: Instant) -> Option<(String, Value)> {
        if now.duration_since(self.told) < EVERY {
            return None;
        }
        self.told = now;
        let seconds = now.duration_since(self.since).as_secs().max(1);
        let rate = bytes.saturating_sub(self.base) / seconds;
        let mut line = format!("{} {}", self.what, HumanBytes(bytes));
        let mut fields = json!({"stage": self.what, "bytes": bytes, "bytesPerSecond": rate});
        if let Some(length) = self.length {
            let _ = write!(line, " of {}", HumanBytes(length));
            fields["totalBytes"] = length.into();
        }
        let _ = write!(line, ", {}/s", HumanBytes(rate));
        let left = self.length.map(|length| length.saturating_sub(bytes));
        if let Some(left) = left.and_then(|left| left.checked_div(rate)) {
            let duration = HumanDuration(Duration::from_secs(left));
            let _ = write!(line, ", {duration} left");
            fields["secondsLeft"] = left.into();
        }
        Some((line, fields))
    }
}

/// Whether a bar can be drawn.
fn has_bar() -> bool {
    std::io::stderr().is_terminal() && !log::is_json() && !log::is_quiet()
}

/// A bar on stderr, with rate and time left.
fn bar(what: &'static str, length: Option<u64>) -> ProgressBar {
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
    let bar = bar.with_message(what);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn stage(length: Option<u64>) -> Stage {
        let now = Instant::now();
        Stage {
            what: "received",
            length,
            base: 10 * MIB,
            since: now,
            told: now,
        }
    }

    #[test]
    fn a_line_comes_once_a_minute_with_rate_and_time_left() {
        let mut stage = stage(Some(250 * MIB));
        let start = stage.since;
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(stage.line(20 * MIB, at(59)), None);
        let (line, fields) = stage.line(130 * MIB, at(60)).unwrap();
        let expected = "received 130.00 MiB of 250.00 MiB, 2.00 MiB/s, 60 seconds left";
        assert_eq!(line, expected);
        assert_eq!(fields["secondsLeft"], 60);
        assert_eq!(stage.line(140 * MIB, at(119)), None);
        assert!(stage.line(140 * MIB, at(120)).is_some());
    }

    #[test]
    fn without_a_length_or_a_rate_no_time_left_is_told() {
        let later = Duration::from_secs(60);
        let mut unknown = stage(None);
        let (line, _) = unknown.line(70 * MIB, unknown.since + later).unwrap();
        assert_eq!(line, "received 70.00 MiB, 1.00 MiB/s");
        let mut stuck = stage(Some(20 * MIB));
        let (line, _) = stuck.line(10 * MIB, stuck.since + later).unwrap();
        assert_eq!(line, "received 10.00 MiB of 20.00 MiB, 0 B/s");
    }
}
