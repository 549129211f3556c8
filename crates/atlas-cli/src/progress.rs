//! Progress of a backup on stderr: a bar on a terminal, one line per minute elsewhere.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use atlas_backup::Event;
use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::escape::escape;
use crate::log;

/// The maximum number of lines of one run: a recurring outage must not fill a log.
const SAID: usize = 1000;
/// How long something fails before it is reported.
const OUTAGE: Duration = Duration::from_secs(10);
/// How often a line reports progress where there is no bar.
const EVERY: Duration = Duration::from_secs(60);

/// The current bar, to be removed at the end of the process; `Err` once it was, so that no bar is drawn
/// after it.
static DRAWN: Mutex<Result<Option<ProgressBar>, ()>> = Mutex::new(Ok(None));

/// Removes the bar for the rest of the process, which ends while work may still be running.
pub(crate) fn take_away() {
    let drawn = std::mem::replace(&mut *drawn(), Err(()));
    if let Ok(Some(bar)) = drawn {
        bar.finish_and_clear();
    }
}

fn drawn() -> MutexGuard<'static, Result<Option<ProgressBar>, ()>> {
    DRAWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows the progress of a backup on stderr.
#[derive(Default)]
pub(crate) struct Watcher {
    /// The cluster that each line names, if there are several.
    subject: Option<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bar: Option<ProgressBar>,
    stage: Option<Stage>,
    /// When a line was written last, or the first stage began.
    reported: Option<Instant>,
    said: BTreeSet<String>,
}

/// A stage of a backup, such as the download.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stage {
    what: &'static str,
    /// The file, if there are many.
    path: Option<PathBuf>,
    length: Option<u64>,
    /// The position at its start, in bytes.
    base: u64,
    since: Instant,
}

impl Watcher {
    /// The watcher of one of several clusters; each line names it.
    pub(crate) fn of(subject: &str) -> Self {
        Self {
            subject: Some(subject.to_owned()),
            state: Mutex::default(),
        }
    }

    /// Shows an event.
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
            Event::Preparing {
                job,
                status,
                restore,
            } => self.say(&match job {
                None => format!("Atlas is taking the snapshot ({status})"),
                Some(_) if restore => format!("Atlas is restoring ({status})"),
                Some(_) => format!("Atlas is preparing the download ({status})"),
            }),
            Event::Started { length, resumed } => {
                self.begin("received", None, length, resumed);
                if resumed > 0 {
                    self.say(&format!("resuming after {resumed} bytes"));
                }
            }
            Event::Received { received, .. } => self.reach(received),
            Event::StartedOver => self.say("the received bytes cannot be used; starting over"),
            Event::LinkRenewed => self.say("the link has expired; continuing with a new one"),
            Event::Verifying => {
                let length = self.state().stage.as_ref().and_then(|stage| stage.length);
                self.begin("checked", None, length, 0);
            }
            Event::Verified { verified, .. } => self.reach(verified),
            Event::Checking { path, read, length } => {
                if read == 0 {
                    self.begin("checked", Some(path), Some(length), 0);
                }
                self.reach(read);
            }
            // An outage of a few seconds is not reported.
            Event::Retrying { reason, since, .. }
                if since >= OUTAGE || std::io::stderr().is_terminal() =>
            {
                self.say(&format!("{reason}; retrying"));
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

    /// Removes the bar.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        state.stage = None;
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Begins a stage.
    fn begin(&self, what: &'static str, path: Option<PathBuf>, length: Option<u64>, base: u64) {
        let now = Instant::now();
        let mut state = self.state();
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
        }
        state.reported.get_or_insert(now);
        state.stage = Some(Stage {
            what,
            path,
            length,
            base,
            since: now,
        });
        // There is only one bar: several clusters have lines instead.
        let mut drawn = drawn();
        if self.subject.is_none() && has_bar() && drawn.is_ok() {
            let bar = bar(what, length);
            bar.set_position(base);
            bar.reset_eta();
            to_margin();
            *drawn = Ok(Some(bar.clone()));
            state.bar = Some(bar);
        }
    }

    /// Reports the position in the stage, in bytes.
    fn reach(&self, bytes: u64) {
        let mut now = self.state();
        if let Some(bar) = &now.bar {
            bar.set_position(bytes);
            to_margin();
            return;
        }
        let time = Instant::now();
        let is_due = now
            .reported
            .is_some_and(|reported| time.duration_since(reported) >= EVERY);
        let Some((line, fields)) = now
            .stage
            .as_ref()
            .filter(|_| is_due)
            .map(|it| it.line(bytes, time))
        else {
            return;
        };
        now.reported = Some(time);
        self.write(&line, fields);
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

    /// Writes a line once.
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
    /// The line of a position, and its fields for programs.
    fn line(&self, bytes: u64, now: Instant) -> (String, Value) {
        let seconds = now.duration_since(self.since).as_secs().max(1);
        let rate = bytes.saturating_sub(self.base) / seconds;
        let path = self.path.as_ref().map(|path| path.display().to_string());
        let start = path
            .as_ref()
            .map_or_else(String::new, |path| format!("{path}: "));
        let mut line = format!("{start}{} {}", self.what, HumanBytes(bytes));
        let mut fields =
            json!({"stage": self.what, "bytes": bytes, "bytesPerSecond": rate, "path": path});
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
        (line, fields)
    }
}

/// Whether a bar can be drawn.
fn has_bar() -> bool {
    std::io::stderr().is_terminal() && !log::is_json() && !log::is_quiet()
}

/// Moves the cursor to the margin. At the end of the bar, the echo of ^C would begin another line, and
/// the bar would stay.
fn to_margin() {
    let _ = write!(std::io::stderr(), "\r");
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
        Stage {
            what: "received",
            path: None,
            length,
            base: 10 * MIB,
            since: Instant::now(),
        }
    }

    #[test]
    fn a_line_has_rate_and_time_left() {
        let stage = stage(Some(250 * MIB));
        let (line, fields) = stage.line(130 * MIB, stage.since + EVERY);
        let expected = "received 130.00 MiB of 250.00 MiB, 2.00 MiB/s, 60 seconds left";
        assert_eq!(line, expected);
        assert_eq!(fields["secondsLeft"], 60);
    }

    #[test]
    fn without_a_length_or_a_rate_no_time_left_is_shown() {
        let unknown = stage(None);
        let (line, _) = unknown.line(70 * MIB, unknown.since + EVERY);
        assert_eq!(line, "received 70.00 MiB, 1.00 MiB/s");
        let stuck = stage(Some(20 * MIB));
        let (line, _) = stuck.line(10 * MIB, stuck.since + EVERY);
        assert_eq!(line, "received 10.00 MiB of 20.00 MiB, 0 B/s");
    }

    #[test]
    fn a_line_is_due_once_a_minute_however_many_files_there_are() {
        let watcher = Watcher::of("Cluster0");
        let ago = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds));
        let reported = || watcher.state().reported;
        let begin = || watcher.begin("checked", Some("a.tgz".into()), Some(9), 0);
        begin();
        watcher.state().reported = ago(59);
        let before = reported();
        begin();
        watcher.reach(3);
        assert_eq!(reported(), before, "not yet");
        watcher.state().reported = ago(61);
        begin();
        watcher.reach(6);
        assert!(reported() > before);
    }
}
