//! Runs a client under test: a process that exchanges JSON lines.

use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atlas_catalog::closest;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::environment::may_hold_credential;
use crate::message::{ABILITIES, Hello, PROTOCOL, Reply, Request, Run};
use crate::scripted::lock;
use crate::suite::shown_command;
use crate::verdict::Verdict;

/// The default timeout of a reply.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// The maximum length of a line from a testee, in bytes.
const LONGEST: u64 = 32 << 20;
/// The number of bytes of stderr that are kept.
pub(crate) const KEPT: usize = 1 << 20;

/// A running client, in its own process group on Unix.
///
/// It inherits the environment of this process, except variables that may hold credentials: names of Atlas and MongoDB
/// tools and of cloud providers, and names with words such as `TOKEN`, `SECRET` or `_PASS`. SECURITY.md
/// lists them. To set one, start the client with `env NAME=VALUE COMMAND`.
#[derive(Debug)]
pub struct Testee {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    stderr: Arc<Mutex<Vec<u8>>>,
    reading: Option<JoinHandle<()>>,
    /// The process group, which has the number of the process.
    #[cfg(unix)]
    group: Option<u32>,
    patience: Duration,
    /// The client's description of itself.
    pub hello: Hello,
}

/// An error while running a client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TesteeError {
    /// The process could not be started, or has no pipes.
    #[error("testee {command:?} {doing}; check that the command runs in a shell")]
    Process {
        /// The command line.
        command: String,
        /// The step that failed.
        doing: &'static str,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The process ended without a reply.
    #[error(
        "testee ended without a reply to {request} ({status}){}",
        last_line(stderr)
    )]
    Ended {
        /// The request: `hello`, `reset` or `run`.
        request: &'static str,
        /// The exit status.
        status: String,
        /// Its stderr.
        stderr: String,
    },
    /// It printed a line that is not a valid reply.
    #[error("invalid reply {said:?} of the testee: {problem}; print each reply as one JSON line")]
    NoAnswer {
        /// The line, shortened.
        said: String,
        /// The parse error.
        problem: String,
    },
    /// It did not reply in time.
    #[error("timed out after {seconds} s waiting for the testee's reply to {request}")]
    Silent {
        /// The timeout.
        seconds: f64,
        /// The request: `hello`, `reset` or `run`.
        request: &'static str,
    },
    /// Its name is not valid.
    #[error(
        "invalid testee name {name:?}: expected 1 to 64 ASCII letters, digits, '-', '_' or '.'"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// It names an ability that the protocol does not have.
    #[error("unknown ability {ability:?} of the testee{}; the abilities are {}", guess(ability), ABILITIES.join(", "))]
    Ability {
        /// The ability.
        ability: String,
    },
}

impl TesteeError {
    /// Returns the verdict for this error: of the testee or of the suite.
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Ended { .. } | Self::NoAnswer { .. } => Verdict::Crashed,
            Self::Silent { .. } => Verdict::Silent,
            _ => Verdict::Error,
        }
    }
}

/// Suggests the ability that may be meant.
fn guess(ability: &str) -> String {
    let close = closest(ability, ABILITIES);
    close
        .first()
        .map_or_else(String::new, |close| format!("; did you mean {close}?"))
}

impl Testee {
    /// Starts a client and requests its name, with a timeout of a minute for each reply.
    ///
    /// # Errors
    /// [`TesteeError`]
    pub async fn start(command: &[String]) -> Result<Self, TesteeError> {
        Self::start_with(command, PATIENCE).await
    }

    /// Starts a client as [`start`](Self::start) does, with this timeout for each reply.
    ///
    /// # Errors
    /// [`TesteeError`]
    pub async fn start_with(command: &[String], patience: Duration) -> Result<Self, TesteeError> {
        let line = shown_command(command);
        let failed = |doing| {
            let command = line.clone();
            move |source| TesteeError::Process {
                command,
                doing,
                source,
            }
        };
        let mut words = command.iter();
        let mut process = Command::new(words.next().map_or("", String::as_str));
        process
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        for (name, _) in std::env::vars_os().filter(|(name, _)| may_hold_credential(name)) {
            process.env_remove(name);
        }
        #[cfg(unix)]
        process.process_group(0);
        let mut child = process.spawn().map_err(failed("cannot be started"))?;
        let (Some(requests), Some(answers), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed("has no pipes")(io::ErrorKind::BrokenPipe.into()));
        };
        #[cfg(unix)]
        let group = child.id();
        let stderr = Arc::new(Mutex::new(Vec::new()));
        let reading = tokio::spawn(keep(errors, stderr.clone()));
        let mut testee = Self {
            child,
            requests: Some(requests),
            answers: BufReader::new(answers),
            stderr,
            reading: Some(reading),
            #[cfg(unix)]
            group,
            patience,
            hello: Hello::default(),
        };
        let hello = Request::Hello { protocol: PROTOCOL };
        testee.hello = testee.ask(&hello).await?;
        let (name, version) = (&testee.hello.name, &mut testee.hello.version);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let fits = (1..=64).contains(&name.len()) && !name.starts_with('.');
        if !fits || !name.bytes().all(plain) {
            let name = name.clone();
            return Err(TesteeError::Name { name });
        }
        let is_known = |ability: &&String| ABILITIES.contains(&ability.as_str());
        if let Some(ability) = testee.hello.abilities.iter().find(|it| !is_known(it)) {
            let ability = ability.chars().take(64).collect();
            return Err(TesteeError::Ability { ability });
        }
        // The version is only displayed.
        *version = version
            .chars()
            .filter(char::is_ascii_graphic)
            .take(64)
            .collect();
        Ok(testee)
    }

    /// Sends a task and returns the reply.
    ///
    /// # Errors
    /// [`TesteeError`]
    pub async fn run(&mut self, run: Run) -> Result<Reply, TesteeError> {
        self.ask(&Request::Run(Box::new(run))).await
    }

    /// Makes the client drop its state of earlier cases.
    ///
    /// # Errors
    /// [`TesteeError`]
    pub async fn reset(&mut self) -> Result<(), TesteeError> {
        let Done { done } = self.ask(&Request::Reset {}).await?;
        if done {
            Ok(())
        } else {
            Err(TesteeError::NoAnswer {
                said: r#"{"done":false}"#.to_owned(),
                problem: r#"expected {"done": true} after a reset"#.to_owned(),
            })
        }
    }

    /// Returns the peak memory of the process in bytes, on Linux only.
    pub fn memory(&self) -> Option<u64> {
        let path = format!("/proc/{}/status", self.child.id()?);
        let status = std::fs::read_to_string(path).ok()?;
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().ok()?;
        Some(kilobytes * 1024)
    }

    /// Kills the process and its process group, as a power cut would, and returns the first MiB of
    /// its stderr.
    pub async fn kill(mut self) -> String {
        self.kill_group();
        let _ = self.child.kill().await;
        self.written().await
    }

    /// Ends the process and returns the first MiB of its stderr.
    pub async fn end(mut self) -> String {
        drop(self.requests.take());
        let ended = tokio::time::timeout(Duration::from_secs(5), self.child.wait()).await;
        let stderr = self.written().await;
        self.kill_group();
        if ended.is_err() {
            let _ = self.child.kill().await;
        }
        stderr
    }

    /// Kills the remaining processes of the group.
    fn kill_group(&self) {
        #[cfg(unix)]
        if let Some(group) = self.group.and_then(|id| i32::try_from(id).ok())
            && let Some(group) = rustix::process::Pid::from_raw(group)
        {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }

    /// Waits up to a second for the end of stderr and returns its text.
    async fn written(&mut self) -> String {
        if let Some(reading) = self.reading.take() {
            let _ = tokio::time::timeout(Duration::from_secs(1), reading).await;
        }
        String::from_utf8_lossy(&lock(&self.stderr)).into_owned()
    }

    async fn ask<T: DeserializeOwned>(&mut self, request: &Request) -> Result<T, TesteeError> {
        let mut line = serde_json::to_vec(request).unwrap_or_default();
        line.push(b'\n');
        let mut said = Vec::new();
        let waiting = tokio::time::timeout(Duration::ZERO, self.answers.fill_buf()).await;
        if let Ok(Ok(unasked)) = waiting
            && !unasked.is_empty()
        {
            return Err(TesteeError::NoAnswer {
                said: shortened(unasked),
                problem: "nothing was asked".to_owned(),
            });
        }
        let asked = async {
            let requests = self.requests.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
            requests.write_all(&line).await?;
            requests.flush().await?;
            (&mut self.answers)
                .take(LONGEST)
                .read_until(b'\n', &mut said)
                .await
        };
        let answer = tokio::time::timeout(self.patience, asked).await;
        let answer = answer.map_err(|_| TesteeError::Silent {
            seconds: self.patience.as_secs_f64(),
            request: request.name(),
        })?;
        if !matches!(answer, Ok(read) if read > 0) {
            // A closed or broken pipe means that the process is ending.
            let ended = tokio::time::timeout(Duration::from_secs(5), self.child.wait()).await;
            let status = match ended {
                Ok(Ok(status)) => status.to_string(),
                _ => "still running, with its stdout closed".to_owned(),
            };
            let stderr = self.written().await;
            return Err(TesteeError::Ended {
                request: request.name(),
                status,
                stderr,
            });
        }
        // Serde also reads a structure from an array.
        let answer = if said.trim_ascii_start().starts_with(b"[") {
            Err("expected an object, not an array".to_owned())
        } else {
            serde_json::from_slice(&said).map_err(|error| error.to_string())
        };
        answer.map_err(|problem| TesteeError::NoAnswer {
            said: shortened(&said),
            problem,
        })
    }
}

impl Drop for Testee {
    fn drop(&mut self) {
        self.kill_group();
    }
}

/// The reply to a reset.
#[derive(Deserialize)]
#[serde(expecting = r#"{"done": true}"#)]
struct Done {
    done: bool,
}

/// The first 200 characters of a reply. A word at the cut is left out: it may be a part of a secret,
/// which could not be masked.
fn shortened(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let said = said.trim_end();
    let Some((cut, _)) = said.char_indices().nth(200) else {
        return said.to_owned();
    };
    let whole = said[..cut].trim_end_matches(|it: char| !it.is_whitespace() && it != '"');
    format!("{whole}…")
}

/// Reads stderr to its end and keeps the first [`KEPT`] bytes.
async fn keep(mut stderr: ChildStderr, kept: Arc<Mutex<Vec<u8>>>) {
    let mut piece = vec![0; 1 << 16];
    while let Ok(read) = stderr.read(&mut piece).await {
        if read == 0 {
            return;
        }
        let mut kept = lock(&kept);
        let room = KEPT.saturating_sub(kept.len()).min(read);
        kept.extend_from_slice(&piece[..room]);
    }
}

/// Returns the last line of stderr as the end of an error message.
fn last_line(stderr: &str) -> String {
    match stderr.trim_end().lines().last() {
        Some(line) => format!("; last line of stderr: {line:?}"),
        None => String::new(),
    }
}
