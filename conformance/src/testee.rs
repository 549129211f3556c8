//! Runs a client under test: a process that exchanges JSON lines.

mod error;

use std::collections::BTreeSet;
use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::environment::may_hold_credential;
use crate::message::{ABILITIES, Hello, PROTOCOL, Reply, Request, Run};
use crate::scripted::lock;
use crate::secrets::{found_in, texts_of};
use crate::suite::shown_command;

pub use error::TesteeError;

/// The default timeout of a reply.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// The maximum length of a line from a testee, in bytes.
const LONGEST: u64 = 32 << 20;
/// The time in which a process must end once its stdin is closed.
const GRACE: Duration = Duration::from_secs(5);
/// The time in which the pipes of a process that has ended must end.
const PIPE_GRACE: Duration = Duration::from_secs(1);
/// The number of bytes that are kept of stderr, and of stdout after the last reply.
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
    /// The secrets to search the replies for.
    secrets: BTreeSet<String>,
    /// Those that were found.
    shown: BTreeSet<String>,
    /// The texts of the reply to `hello`, which is read before any secret is known.
    first_texts: String,
    /// The client's description of itself.
    pub hello: Hello,
}

/// The end of a process.
pub(crate) struct Ended {
    /// The first MiB of its stderr.
    pub(crate) stderr: String,
    /// The error for text on stdout after its last reply.
    pub(crate) further: Option<TesteeError>,
    /// The secrets in it, and in replies since [`Testee::take_shown`].
    pub(crate) shown: BTreeSet<String>,
}

impl Ended {
    /// Returns the end of a process of which only stderr is known.
    pub(crate) fn with(stderr: String) -> Self {
        Self {
            stderr,
            further: None,
            shown: BTreeSet::new(),
        }
    }
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
        let kept = stderr.clone();
        let reading = tokio::spawn(keep(errors, move |piece| extend(&mut lock(&kept), piece)));
        let mut testee = Self {
            child,
            requests: Some(requests),
            answers: BufReader::new(answers),
            stderr,
            reading: Some(reading),
            #[cfg(unix)]
            group,
            patience,
            secrets: BTreeSet::new(),
            shown: BTreeSet::new(),
            first_texts: String::new(),
            hello: Hello::default(),
        };
        let hello = Request::Hello { protocol: PROTOCOL };
        testee.hello = testee.ask(&hello).await?;
        let (name, version) = (&testee.hello.name, &mut testee.hello.version);
        if !is_name(name) {
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

    /// Searches the reply to `hello` and all later replies for these secrets, too.
    pub(crate) fn search_for<'a>(&mut self, secrets: impl IntoIterator<Item = &'a String>) {
        for secret in secrets {
            if self.first_texts.contains(secret.as_str()) {
                self.shown.insert(secret.clone());
            }
            self.secrets.insert(secret.clone());
        }
    }

    /// Returns the secrets that were found since the last call.
    pub(crate) fn take_shown(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.shown)
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
    pub async fn end(self) -> String {
        self.finish().await.stderr
    }

    /// Ends the process, and reads what it writes to stdout until then.
    pub(crate) async fn finish(mut self) -> Ended {
        drop(self.requests.take());
        let mut said = Vec::new();
        let is_ended = {
            let reading = keep(&mut self.answers, |piece| extend(&mut said, piece));
            let mut reading = std::pin::pin!(reading);
            let mut is_read = false;
            let ended = async {
                loop {
                    tokio::select! {
                        _ = self.child.wait() => return,
                        () = &mut reading, if !is_read => is_read = true,
                    }
                }
            };
            let is_ended = tokio::time::timeout(GRACE, ended).await.is_ok();
            // Another process may keep stdout open.
            if is_ended && !is_read {
                let _ = tokio::time::timeout(PIPE_GRACE, reading).await;
            }
            is_ended
        };
        let stderr = self.written().await;
        self.kill_group();
        if !is_ended {
            let _ = self.child.kill().await;
        }
        let texts = String::from_utf8_lossy(&said);
        self.shown.extend(found_in(&texts, &self.secrets).cloned());
        Ended {
            stderr,
            further: (!said.is_empty()).then(|| unasked(&said)),
            shown: self.take_shown(),
        }
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
            let _ = tokio::time::timeout(PIPE_GRACE, reading).await;
        }
        String::from_utf8_lossy(&lock(&self.stderr)).into_owned()
    }

    async fn ask<T: DeserializeOwned>(&mut self, request: &Request) -> Result<T, TesteeError> {
        let mut line = serde_json::to_vec(request).unwrap_or_default();
        line.push(b'\n');
        let mut said = Vec::new();
        let waiting = tokio::time::timeout(Duration::ZERO, self.answers.fill_buf()).await;
        if let Ok(Ok(said)) = waiting
            && !said.is_empty()
        {
            let texts = String::from_utf8_lossy(said);
            self.shown.extend(found_in(&texts, &self.secrets).cloned());
            return Err(unasked(said));
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
        let texts = texts_of(&said, matches!(request, Request::Run(_)));
        self.shown.extend(found_in(&texts, &self.secrets).cloned());
        if matches!(request, Request::Hello { .. }) {
            self.first_texts = texts;
        }
        let answer = answer.map_err(|_| TesteeError::Silent {
            seconds: self.patience.as_secs_f64(),
            request: request.name(),
        })?;
        if !matches!(answer, Ok(read) if read > 0) {
            // A closed or broken pipe means that the process is ending.
            let ended = tokio::time::timeout(GRACE, self.child.wait()).await;
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

/// The error of a client that wrote without being asked.
fn unasked(said: &[u8]) -> TesteeError {
    TesteeError::NoAnswer {
        said: shortened(said),
        problem: "nothing was asked".to_owned(),
    }
}

/// Adds bytes up to a total of [`KEPT`].
fn extend(kept: &mut Vec<u8>, piece: &[u8]) {
    let room = KEPT.saturating_sub(kept.len()).min(piece.len());
    kept.extend_from_slice(&piece[..room]);
}

/// Reads a pipe to its end.
async fn keep(mut pipe: impl AsyncRead + Unpin, mut take: impl FnMut(&[u8])) {
    let mut piece = vec![0; 1 << 16];
    while let Ok(read) = pipe.read(&mut piece).await {
        if read == 0 {
            return;
        }
        take(&piece[..read]);
    }
}

/// Whether a text is a valid name of a testee, which is also the name of a file.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=64).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(plain)
}
