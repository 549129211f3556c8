//! Command-line arguments of `atlas-conformance`.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use atlas_conformance::{Case, ClientRun, ExpectedFailures, all_cases, cases_in, shell_word};
use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand};

/// Judges clients and servers of the MongoDB Atlas Administration API.
#[derive(Debug, Parser)]
#[command(name = "atlas-conformance", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Judge a client: a process that reads JSON lines from stdin and writes them to stdout
    #[command(
        after_help = "Example:\n  atlas-conformance client --filter pattern/clusterName/ -- python3 my_client.py"
    )]
    Client {
        #[command(flatten)]
        run: RunOptions,
        /// Command that starts the client. It inherits the environment without variables that may
        /// hold credentials; set one with `env NAME=VALUE` before the command
        #[arg(last = true, required_unless_present = "list")]
        command: Vec<String>,
    },
    /// Judge a server by its base URL
    #[command(
        after_help = "Example:\n  atlas-conformance server http://127.0.0.1:8080 --junit server.xml",
        mut_arg("jobs", |jobs| jobs.hide(true))
    )]
    Server {
        #[command(flatten)]
        run: RunOptions,
        /// http://host:port, or https:// with a trusted certificate, such as one in `SSL_CERT_FILE`
        #[arg(required_unless_present = "list")]
        url: Option<String>,
        /// Name of the server in reports
        #[arg(long, default_value = "server")]
        name: String,
        /// Override a variable of fixtures/world.json for this server, such as owner.token=…
        #[arg(long = "var", value_name = "NAME=VALUE")]
        variables: Vec<String>,
        /// Also run writing cases if the server's world cannot be reset: they create, change and
        /// delete its resources
        #[arg(long)]
        allow_writes: bool,
    },
    /// Judge the client and the sandbox of this workspace, and other clients, in one matrix
    #[command(
        after_help = "Example:\n  atlas-conformance matrix --html matrix.html --client \"python3 my_client.py\""
    )]
    Matrix {
        #[command(flatten)]
        run: RunOptions,
        /// Command that starts a client, its words separated by single spaces
        #[arg(long = "client", value_name = "COMMAND")]
        clients: Vec<String>,
    },
    /// Run this workspace's client as a testee
    #[cfg(feature = "client")]
    Testee,
}

#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Folder with the expected failures of each testee, in NAME.json
    #[arg(long, value_name = "FOLDER")]
    pub(crate) expected_failures: Option<PathBuf>,
    #[arg(long, value_name = "PATH", help = "Write JUnit XML to this file")]
    pub(crate) junit: Option<PathBuf>,
    /// Write one JSON object per judgement to this file
    #[arg(long, value_name = "PATH")]
    pub(crate) jsonl: Option<PathBuf>,
    /// Write the matrix as Markdown to this file
    #[arg(long, value_name = "PATH")]
    pub(crate) markdown: Option<PathBuf>,
    /// Write an HTML page with the matrix and every case that did not pass to this file
    #[arg(long, value_name = "PATH")]
    pub(crate) html: Option<PathBuf>,
}

/// Selects the cases and how to run them.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// Run only cases whose id contains this text
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) filter: String,
    /// Run only the case with this id; repeatable
    #[arg(long = "case", value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// Run the cases of the JSON files below this folder instead of the built-in ones
    #[arg(long, value_name = "FOLDER")]
    pub(crate) cases: Option<PathBuf>,
    /// Number of client processes to run in parallel [default: 4]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    jobs: Option<usize>,
    /// Timeout of each reply or response, in seconds [default: 60 for clients, 30 for servers]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    patience: Option<u64>,
    /// Shuffle the cases with this seed, to find cases that depend on others
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// List the cases instead of running them: id, level, requirement, source
    #[arg(long)]
    pub(crate) list: bool,
}

impl RunOptions {
    /// Returns the expected failures of a testee: none without a file for it.
    pub(crate) fn expected_failures(&self, name: &str) -> Result<ExpectedFailures, Box<dyn Error>> {
        let Some(folder) = &self.expected_failures else {
            return Ok(ExpectedFailures::default());
        };
        if !folder.is_dir() {
            let shown = folder.display();
            return Err(format!("--expected-failures: {shown} is not a folder").into());
        }
        let path = folder.join(format!("{name}.json"));
        if !path.exists() {
            return Ok(ExpectedFailures::default());
        }
        Ok(ExpectedFailures::read(&path)?)
    }

    /// Fails if a report cannot be written, or would replace another one, before any case is run.
    pub(crate) fn check_reports(&self) -> Result<(), Box<dyn Error>> {
        let reports = [
            ("--junit", &self.junit),
            ("--jsonl", &self.jsonl),
            ("--markdown", &self.markdown),
            ("--html", &self.html),
        ];
        let mut files: Vec<(PathBuf, &str)> = Vec::new();
        for (option, path) in reports {
            let Some(path) = path else { continue };
            if path.as_os_str() == "-" {
                let step = "names a file; for a pipe, write /dev/stdout";
                return Err(format!("{option} {step}").into());
            }
            let failed = |error| format!("cannot write {}: {error}", path.display());
            let mut file = std::fs::OpenOptions::new();
            let file = file.create(true).append(true).open(path).map_err(failed)?;
            // A terminal or a pipe can take several reports.
            if !file.metadata().map_err(failed)?.is_file() {
                continue;
            }
            let file = path.canonicalize().map_err(failed)?;
            if let Some((_, other)) = files.iter().find(|(known, _)| *known == file) {
                let shown = path.display();
                return Err(format!(
                    "{other} and {option} name the same file {shown}; give each report its own"
                )
                .into());
            }
            files.push((file, option));
        }
        Ok(())
    }
}

/// The kind of testee that a case is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Side {
    Client,
    Server,
    Any,
}

impl Selection {
    /// Returns the selected cases.
    pub(crate) fn cases(&self, side: Side) -> Result<Vec<Case>, Box<dyn Error>> {
        let fits = |case: &Case| match side {
            Side::Client => case.is_for_clients(),
            Side::Server => case.is_for_servers(),
            Side::Any => true,
        };
        let mut cases = self.all()?;
        for id in &self.ids {
            match cases.iter().find(|case| case.id == *id) {
                None => return Err(format!("unknown case {id:?}; see --list").into()),
                Some(case) if !fits(case) => {
                    let whom = if case.is_for_clients() {
                        "clients"
                    } else {
                        "servers"
                    };
                    return Err(format!("case {id:?} is for {whom}").into());
                }
                Some(_) if !id.contains(&self.filter) => {
                    let filter = &self.filter;
                    let problem = format!("case {id:?} does not contain the --filter {filter:?}");
                    return Err(format!("{problem}; remove one of them").into());
                }
                Some(_) => {}
            }
        }
        cases.retain(|case| {
            let listed = self.ids.is_empty() || self.ids.contains(&case.id);
            fits(case) && listed && case.id.contains(&self.filter)
        });
        if cases.is_empty() {
            let filter = &self.filter;
            return Err(format!("no selected case id contains {filter:?}; see --list").into());
        }
        if let Some(seed) = self.seed {
            fastrand::Rng::with_seed(seed).shuffle(&mut cases);
        }
        Ok(cases)
    }

    /// Returns all cases.
    pub(crate) fn all(&self) -> Result<Vec<Case>, Box<dyn Error>> {
        Ok(match &self.cases {
            Some(folder) => cases_in(folder)?,
            None => all_cases()?,
        })
    }

    /// Returns the settings for running a client.
    pub(crate) fn client_run(&self) -> ClientRun {
        let mut run = ClientRun::default();
        if let Some(jobs) = self.jobs {
            run = run.jobs(jobs);
        }
        match self.patience() {
            Some(patience) => run.patience(patience),
            None => run,
        }
    }

    /// Fails if an option was given that has no meaning for a server.
    pub(crate) fn check_for_server(&self) -> Result<(), &'static str> {
        match self.jobs {
            Some(_) => Err("--jobs is for clients, not for a server; remove it"),
            None => Ok(()),
        }
    }

    /// Returns the timeout of each reply or response, if one was given.
    pub(crate) fn patience(&self) -> Option<Duration> {
        self.patience.map(Duration::from_secs)
    }

    /// Returns the options to repeat in a command that runs a single case.
    pub(crate) fn words(&self) -> Vec<String> {
        let cases = self
            .cases
            .iter()
            .map(|it| format!("--cases {}", shell_word(&it.display().to_string())));
        let patience = self.patience.iter().map(|it| format!("--patience {it}"));
        cases.chain(patience).collect()
    }
}
