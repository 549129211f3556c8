//! A client under test: a process that speaks JSON, one object a line.

use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::message::{Hello, PROTOCOL, Reply, Request, Run};
use crate::scripted::lock;

/// How long a client may take for an answer by default.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// The longest line that is read, in bytes.
const LONGEST: u64 = 32 << 20;
/// How much of stderr is kept, in bytes.
const KEPT: usize = 1 << 20;

/// A running client, in a process group of its own where the system has them.
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
    /// What it says of itself.
    pub hello: Hello,
}

/// A client that could not be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TesteeError {
    /// The command gave no process, or the pipes to it broke.
    #[error("the testee {command:?} {doing}; check that the command runs by hand")]
    Process {
        /// The command line.
        command: String,
        /// What could not be done.
        doing: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ended without an answer.
    #[error("the testee ended without an answer ({status}){}", last_line(stderr))]
    Ended {
        /// How, in the words of the system.
        status: String,
        /// What it wrote to stderr.
        stderr: String,
    },
    /// It said something that is no answer.
    #[error(
        "the testee printed {said:?}, which is no answer ({problem}); it must print its answer as one JSON object a line"
    )]
    NoAnswer {
        /// What it said, shortened.
        said: String,
        /// What is wrong with it.
        problem: String,
    },
    /// It said nothing in time.
    #[error("the testee gave no answer within {seconds} s")]
    Silent {
        /// How long it had.
        seconds: f64,
    },
    /// Its name cannot stand for it in reports.
    #[error(
        "invalid testee name {name:?}: expected 1 to 64 ASCII letters, digits, '-', '_' or '.'"
    )]
    Name {
        /// The name that it says.
        name: String,
    },
}

impl Testee {
    /// Starts a client and asks for its name. It may take a minute for each answer.
    ///
    /// # Errors
    /// [`TesteeError`]
    pub async fn start(command: &[String]) -> Result<Self, TesteeError> {
        Self::start_with(command, PATIENCE).await
    }

    /// The same for a client that may take so long for each answer.
    ///
    /// # Errors
    /// [`TesteeError`]
    pub async fn start_with(command: &[String], patience: Duration) -> Result<Self, TesteeError> {
        let line = command.join(" ");
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
            .stdout(Stdio::piped());
        process.stderr(Stdio::piped()).kill_on_drop(true);
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
        // A version is only shown.
        *version = version
            .chars()
            .filter(char::is_ascii_graphic)
            .take(64)
            .collect();
        Ok(testee)
    }

    /// Has something done.
    ///
    /// # Errors
    /// [`TesteeError`]
    pub async fn run(&mut self, run: Run) -> Result<Reply, TesteeError> {
        self.ask(&Request::Run(Box::new(run))).await
    }

    /// Lets it forget what it knows of earlier cases.
    ///
    /// # Errors
    /// [`TesteeError`]
    pub async fn reset(&mut self) -> Result<(), TesteeError> {
        let _: serde_json::Value = self.ask(&Request::Reset {}).await?;
        Ok(())
    }

    /// The most memory it ever had, in bytes, where the system tells.
    pub fn memory(&self) -> Option<u64> {
        let path = format!("/proc/{}/status", self.child.id()?);
        let status = std::fs::read_to_string(path).ok()?;
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().ok()?;
        Some(kilobytes * 1024)
    }

    /// Kills it and what it started, as the power would.
    pub async fn kill(mut self) {
        self.kill_group();
        let _ = self.child.kill().await;
    }

    /// Ends it, and gives what it wrote to stderr, as far as that is kept.
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

    /// Kills what is left of the process group.
    fn kill_group(&self) {
        #[cfg(unix)]
        if let Some(group) = self.group.and_then(|id| i32::try_from(id).ok())
            && let Some(group) = rustix::process::Pid::from_raw(group)
        {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }

    /// What it wrote to stderr until it closed that, or for a second more; nothing the second time.
    async fn written(&mut self) -> String {
        if let Some(reading) = self.reading.take() {
            let _ = tokio::time::timeout(Duration::from_secs(1), reading).await;
        }
        let kept = std::mem::take(&mut *lock(&self.stderr));
        String::from_utf8_lossy(&kept).into_owned()
    }

    async fn ask<T: DeserializeOwned>(&mut self, request: &Request) -> Result<T, TesteeError> {
        let mut line = serde_json::to_vec(request).unwrap_or_default();
        line.push(b'\n');
        let mut said = Vec::new();
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
        })?;
        if !matches!(answer, Ok(read) if read > 0) {
            // A pipe that is closed or broken belongs to a process that ends.
            let ended = tokio::time::timeout(Duration::from_secs(5), self.child.wait()).await;
            let status = match ended {
                Ok(Ok(status)) => status.to_string(),
                _ => "it closed its output and runs on".to_owned(),
            };
            let stderr = self.written().await;
            return Err(TesteeError::Ended { status, stderr });
        }
        serde_json::from_slice(&said).map_err(|error| {
            let said = String::from_utf8_lossy(&said);
            TesteeError::NoAnswer {
                said: said.trim_end().chars().take(200).collect(),
                problem: error.to_string(),
            }
        })
    }
}

impl Drop for Testee {
    fn drop(&mut self) {
        self.kill_group();
    }
}

/// Reads stderr to its end, and keeps the beginning.
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

/// The last line of stderr, for an error of one line.
fn last_line(stderr: &str) -> String {
    match stderr.trim_end().lines().last() {
        Some(line) => format!("; its stderr ends with {line:?}"),
        None => String::new(),
    }
}
