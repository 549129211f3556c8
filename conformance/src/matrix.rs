//! The combinations that every fixture is replayed in, and the table of what was.

use std::collections::BTreeMap;
use std::fmt;

use atlas_model::CallOptions;

/// How a call proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Auth {
    /// A static token.
    Bearer,
    /// An API key pair.
    Digest,
    /// A service account.
    OAuth,
}

impl Auth {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Bearer, Self::Digest, Self::OAuth];
}

impl fmt::Display for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bearer => "bearer",
            Self::Digest => "digest",
            Self::OAuth => "oauth",
        })
    }
}

/// The form that an answer is asked for in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Form {
    /// With the status inside the body.
    pub envelope: bool,
    /// Indented.
    pub pretty: bool,
}

impl Form {
    /// All forms.
    pub const ALL: [Self; 4] = [
        Self::new(false, false),
        Self::new(false, true),
        Self::new(true, false),
        Self::new(true, true),
    ];

    const fn new(envelope: bool, pretty: bool) -> Self {
        Self { envelope, pretty }
    }

    /// The query that asks for this form, with its question mark; empty for the plain one.
    pub fn query(self) -> &'static str {
        match (self.envelope, self.pretty) {
            (false, false) => "",
            (true, false) => "?envelope=true",
            (false, true) => "?pretty=true",
            (true, true) => "?envelope=true&pretty=true",
        }
    }

    /// The call options that ask for this form.
    pub fn options(self) -> CallOptions {
        CallOptions {
            envelope: self.envelope,
            pretty: self.pretty,
            ..CallOptions::default()
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match (self.envelope, self.pretty) {
            (false, false) => "plain",
            (false, true) => "plain-pretty",
            (true, false) => "envelope",
            (true, true) => "envelope-pretty",
        })
    }
}

/// Counts the replays that passed, for a table.
#[derive(Debug, Default)]
pub struct Matrix {
    rows: BTreeMap<String, BTreeMap<Auth, usize>>,
}

impl Matrix {
    /// Notes one passed replay of a row, under one kind of authentication.
    pub fn note(&mut self, row: impl Into<String>, auth: Auth) {
        *self
            .rows
            .entry(row.into())
            .or_default()
            .entry(auth)
            .or_default() += 1;
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.keys().map(String::len).max().unwrap_or(0).max(8);
        write!(f, "{:width$}", "passed")?;
        for auth in Auth::ALL {
            write!(f, "  {auth:>7}")?;
        }
        writeln!(f)?;
        for (row, counts) in &self.rows {
            write!(f, "{row:width$}")?;
            for auth in Auth::ALL {
                write!(f, "  {:>7}", counts.get(&auth).copied().unwrap_or(0))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
