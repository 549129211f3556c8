//! The arguments of the command line.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use atlas_conformance::{Case, ClientRun, all_cases, cases_in, shell_word};
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
    /// Judge a client: a process that speaks JSON lines on stdin and stdout
    #[command(
        after_help = "Example:\n  atlas-conformance client --filter digest/ -- python3 my_client.py"
    )]
    Client {
        #[command(flatten)]
        run: RunOptions,
        /// The command line that starts it
        #[arg(last = true, required_unless_present = "list")]
        command: Vec<String>,
    },
    /// Judge a server by its base URL
    #[command(
        after_help = "Example:\n  atlas-conformance server http://127.0.0.1:8080 --junit server.xml"
    )]
    Server {
        #[command(flatten)]
        run: RunOptions,
        /// http://host:port, or https:// where the certificate is trusted, such as one in `SSL_CERT_FILE`
        #[arg(required_unless_present = "list")]
        url: Option<String>,
        /// The server's name in reports
        #[arg(long, default_value = "server")]
        name: String,
        /// A variable of fixtures/world.json that differs there, such as owner.token=…
        #[arg(long = "var", value_name = "NAME=VALUE")]
        variables: Vec<String>,
        /// Run cases that write also where the server's world cannot be reset: they create, change
        /// and delete what is there
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
        /// A client: its command line, the words separated by one space
        #[arg(long = "client", value_name = "COMMAND")]
        clients: Vec<String>,
    },
    /// Be the client of this workspace, for the suite to judge
    #[cfg(feature = "client")]
    Testee,
}

#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// A folder with the expected failures of each testee, NAME.json
    #[arg(long, value_name = "FOLDER")]
    pub(crate) expected_failures: Option<PathBuf>,
    /// Write `JUnit` XML there
    #[arg(long, value_name = "PATH")]
    pub(crate) junit: Option<PathBuf>,
    /// Write one JSON object for each judgement there
    #[arg(long, value_name = "PATH")]
    pub(crate) jsonl: Option<PathBuf>,
    /// Write the matrix as Markdown there
    #[arg(long, value_name = "PATH")]
    pub(crate) markdown: Option<PathBuf>,
    /// Write the matrix and every case that did not pass as an HTML page there
    #[arg(long, value_name = "PATH")]
    pub(crate) html: Option<PathBuf>,
}

/// Which cases, and how they are run.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// Only cases whose id contains this
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) filter: String,
    /// Only the case with this id; may be given several times
    #[arg(long = "case", value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// The cases of the JSON files below this folder, instead of those that are built in
    #[arg(long, value_name = "FOLDER")]
    pub(crate) cases: Option<PathBuf>,
    /// How many processes of a client run at once
    #[arg(long, value_name = "N", default_value_t = 4)]
    jobs: usize,
    /// How long a testee may take for an answer, in seconds [default: 60 for clients, 30 for servers]
    #[arg(long, value_name = "SECONDS")]
    patience: Option<u64>,
    /// Run the cases in an order drawn from this number, to find those that depend on others
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// List the cases instead of running them: id, level, what is required, source
    #[arg(long)]
    pub(crate) list: bool,
}

impl RunOptions {
    /// Refuses reports that cannot be written, before anything is run.
    pub(crate) fn check_reports(&self) -> Result<(), Box<dyn Error>> {
        let reports = [&self.junit, &self.jsonl, &self.markdown, &self.html];
        for path in reports.into_iter().flatten() {
            let mut file = std::fs::OpenOptions::new();
            let file = file.create(true).append(true).open(path);
            file.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        }
        Ok(())
    }
}

/// The kind of testee that cases are for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Side {
    Client,
    Server,
    Any,
}

impl Selection {
    /// The cases that are selected.
    pub(crate) fn cases(&self, side: Side) -> Result<Vec<Case>, Box<dyn Error>> {
        let fits = |case: &Case| match side {
            Side::Client => case.is_for_clients(),
            Side::Server => case.is_for_servers(),
            Side::Any => true,
        };
        let mut cases = self.all()?;
        for id in &self.ids {
            match cases.iter().find(|case| case.id == *id) {
                None => return Err(format!("unknown case {id:?}; --list lists all").into()),
                Some(case) if !fits(case) => {
                    let whom = if case.is_for_clients() {
                        "clients"
                    } else {
                        "servers"
                    };
                    return Err(format!("case {id:?} is for {whom}").into());
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
            return Err(format!("no such case has an id with {filter:?}; --list lists all").into());
        }
        if let Some(seed) = self.seed {
            fastrand::Rng::with_seed(seed).shuffle(&mut cases);
        }
        Ok(cases)
    }

    /// All cases there are.
    pub(crate) fn all(&self) -> Result<Vec<Case>, Box<dyn Error>> {
        Ok(match &self.cases {
            Some(folder) => cases_in(folder)?,
            None => all_cases()?,
        })
    }

    /// How a client is run.
    pub(crate) fn client_run(&self) -> ClientRun {
        let run = ClientRun::default().jobs(self.jobs);
        match self.patience() {
            Some(patience) => run.patience(patience),
            None => run,
        }
    }

    /// How long a testee may take for an answer, if that was given.
    pub(crate) fn patience(&self) -> Option<Duration> {
        self.patience.map(Duration::from_secs)
    }

    /// The options that running a case alone needs as well.
    pub(crate) fn words(&self) -> Vec<String> {
        let cases = self
            .cases
            .iter()
            .map(|it| format!("--cases {}", shell_word(&it.display().to_string())));
        let patience = self.patience.iter().map(|it| format!("--patience {it}"));
        cases.chain(patience).collect()
    }
}
