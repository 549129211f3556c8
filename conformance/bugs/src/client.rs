//! A wrapper that injects a bug into any client.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::bug::Bug;

mod alter;
mod answer;
mod list;
mod outcome;
mod relay;
mod request;
mod style;

pub use list::{ANOTHER_STYLE, CLIENT_BUGS};

use relay::Relay;

/// A client with a bug: relays the messages of the suite to a valid client, and the HTTP requests of
/// this client to the server of the case.
#[derive(Debug)]
pub struct BuggyClient {
    bug: Bug,
    child: Child,
    requests: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// The relays by the URL of their server.
    relays: BTreeMap<String, Relay>,
}

impl BuggyClient {
    /// Starts the valid client.
    ///
    /// # Errors
    /// Fails if the command cannot be started.
    pub fn start(bug: Bug, command: &[String]) -> io::Result<Self> {
        let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        Ok(Self {
            bug,
            child,
            requests,
            answers: BufReader::new(answers).lines(),
            relays: BTreeMap::new(),
        })
    }

    /// Relays the messages of stdin and stdout until stdin or the client ends.
    ///
    /// # Errors
    /// Fails if a pipe breaks.
    pub async fn serve(mut self) -> io::Result<()> {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        let mut out = tokio::io::stdout();
        while let Some(line) = lines.next_line().await? {
            let Some(answer) = self.answer(line).await? else {
                break;
            };
            out.write_all(format!("{answer}\n").as_bytes()).await?;
            out.flush().await?;
        }
        drop(self.requests);
        self.child.wait().await?;
        Ok(())
    }

    /// Returns the reply to a line; `None` if the client ended.
    async fn answer(&mut self, line: String) -> io::Result<Option<String>> {
        let Ok(mut message) = serde_json::from_str::<Value>(&line) else {
            return self.ask(&line).await;
        };
        if message.get("reset").is_some() {
            let answer = self.ask(&line).await;
            self.relays.clear();
            return answer;
        }
        let run = message.get_mut("run").and_then(Value::as_object_mut);
        let run = run.and_then(|run| run.iter_mut().next());
        let Some((kind, Value::Object(run))) = run else {
            return self.ask(&line).await;
        };
        let (kind, asked) = (kind.clone(), run.clone());
        self.prepare(&kind, run).await?;
        let url = text(run, "url").to_owned();
        if !url.is_empty() {
            let relay = self.relay(&url).await?;
            relay.begin();
            run.insert("url".to_owned(), relay.url().into());
        }
        let Some(answer) = self.ask(&message.to_string()).await? else {
            return Ok(None);
        };
        let Ok(Value::Object(mut answer)) = serde_json::from_str(&answer) else {
            return Ok(Some(answer));
        };
        let results = self.relays.get(&url).and_then(Relay::results);
        outcome::alter(self.bug, &kind, &asked, results, &mut answer);
        if self.bug.is("names-unchecked") && kind == "call" && outcome::is(&answer, "unsendable") {
            relay::send(&url, &alter::unchecked(&asked)).await;
            answer.insert("outcome".to_owned(), json!({"kind": "ok"}));
        }
        Ok(Some(Value::Object(answer).to_string()))
    }

    /// Prepares a run and changes its message.
    async fn prepare(&mut self, kind: &str, run: &mut Map<String, Value>) -> io::Result<()> {
        match self.bug.name {
            "token-fetched-for-each-call" if kind == "call" => {
                self.ask(&json!({"reset": {}}).to_string()).await?;
            }
            "download-starts-over" if kind == "download" => {
                forget_parts(Path::new(text(run, "out")));
            }
            "list-read-to-its-first-page" if kind == "call" => {
                run.insert("list".to_owned(), false.into());
            }
            "pattern-on-trimmed-text" if kind == "pattern" => {
                let trimmed = text(run, "text").trim().to_owned();
                run.insert("text".to_owned(), trimmed.into());
            }
            "pattern-without-case" if kind == "pattern" => {
                let lower = text(run, "text").to_lowercase();
                run.insert("text".to_owned(), lower.into());
            }
            _ => {}
        }
        Ok(())
    }

    async fn relay(&mut self, url: &str) -> io::Result<&Relay> {
        if !self.relays.contains_key(url) {
            let relay = Relay::start(self.bug, url).await?;
            self.relays.insert(url.to_owned(), relay);
        }
        self.relays.get(url).ok_or(io::ErrorKind::NotFound.into())
    }

    /// Sends a line to the client and reads the reply.
    async fn ask(&mut self, line: &str) -> io::Result<Option<String>> {
        let line = format!("{line}\n");
        self.requests.write_all(line.as_bytes()).await?;
        self.requests.flush().await?;
        self.answers.next_line().await
    }
}

/// Removes the partial files that an earlier download left next to its target.
fn forget_parts(out: &Path) {
    let entries = out.parent().and_then(|folder| folder.read_dir().ok());
    let entries = entries.into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.path() != out) {
        let _ = std::fs::remove_file(entry.path());
    }
}

fn text<'a>(message: &'a Map<String, Value>, name: &str) -> &'a str {
    message
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Replaces this process by another program that is killed with its parent. Returns only on failure.
///
/// A case that kills a client kills the wrapper, and the wrapped client must end with it. Where the
/// system does not support this, the client ends at its next write.
#[cfg(unix)]
pub fn exec_and_die_with_parent(command: &[String]) -> io::Error {
    use std::os::unix::process::CommandExt;

    let Some((program, arguments)) = command.split_first() else {
        return io::ErrorKind::InvalidInput.into();
    };
    #[cfg(target_os = "linux")]
    if let Err(error) =
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
    {
        return error.into();
    }
    std::process::Command::new(program).args(arguments).exec()
}
