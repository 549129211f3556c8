//! A client under test: a process that speaks JSON, one object a line.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::message::{Hello, PROTOCOL, Reply, Request, Run};

/// How long a client may take for an answer by default.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running client.
#[derive(Debug)]
pub struct Testee {
    child: Child,
    requests: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    stderr: Option<JoinHandle<String>>,
    patience: Duration,
    /// Who it says it is.
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
    #[error("the testee printed {said:?}; it must print one JSON object a line as its answer")]
    NoAnswer {
        /// What it said, shortened.
        said: String,
    },
    /// It said nothing in time.
    #[error("the testee gave no answer within {seconds} s")]
    Silent {
        /// How long it had.
        seconds: f64,
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
        let program = words.next().map_or("", String::as_str);
        let mut child = Command::new(program)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed("cannot be started"))?;
        let (Some(requests), Some(answers), Some(mut stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed("has no pipes")(io::ErrorKind::BrokenPipe.into()));
        };
        let stderr = tokio::spawn(async move {
            let mut said = Vec::new();
            let _ = stderr.read_to_end(&mut said).await;
            String::from_utf8_lossy(&said).into_owned()
        });
        let mut testee = Self {
            child,
            requests,
            answers: BufReader::new(answers).lines(),
            stderr: Some(stderr),
            patience,
            hello: Hello::default(),
        };
        let hello = Request::Hello { protocol: PROTOCOL };
        testee.hello = testee.ask(&hello).await?;
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

    /// Kills it, as the power would.
    pub async fn kill(mut self) {
        let _ = self.child.kill().await;
    }

    /// Ends it, and gives what it wrote to stderr.
    pub async fn end(self) -> String {
        let Self {
            mut child,
            requests,
            mut stderr,
            ..
        } = self;
        drop(requests);
        let ended = tokio::time::timeout(Duration::from_secs(5), child.wait()).await;
        if ended.is_err() {
            let _ = child.kill().await;
        }
        written(&mut stderr).await
    }

    async fn ask<T: DeserializeOwned>(&mut self, request: &Request) -> Result<T, TesteeError> {
        let mut line = serde_json::to_vec(request).unwrap_or_default();
        line.push(b'\n');
        let asked = async {
            self.requests.write_all(&line).await?;
            self.requests.flush().await?;
            self.answers.next_line().await
        };
        let answer = tokio::time::timeout(self.patience, asked).await;
        let answer = answer.map_err(|_| TesteeError::Silent {
            seconds: self.patience.as_secs_f64(),
        })?;
        let Ok(Some(said)) = answer else {
            // A pipe that is closed or broken belongs to a process that ends.
            let ended = tokio::time::timeout(Duration::from_secs(5), self.child.wait()).await;
            let status = match ended {
                Ok(Ok(status)) => status.to_string(),
                _ => "it closed its output and runs on".to_owned(),
            };
            let stderr = written(&mut self.stderr).await;
            return Err(TesteeError::Ended { status, stderr });
        };
        serde_json::from_str(&said).map_err(|_| TesteeError::NoAnswer {
            said: said.chars().take(200).collect(),
        })
    }
}

/// The last line of stderr, for an error of one line.
fn last_line(stderr: &str) -> String {
    match stderr.trim_end().lines().last() {
        Some(line) => format!("; its stderr ends with {line:?}"),
        None => String::new(),
    }
}

/// What was written to stderr until that was closed; nothing the second time.
async fn written(stderr: &mut Option<JoinHandle<String>>) -> String {
    let Some(stderr) = stderr.take() else {
        return String::new();
    };
    let written = tokio::time::timeout(Duration::from_secs(5), stderr).await;
    written.ok().and_then(Result::ok).unwrap_or_default()
}
