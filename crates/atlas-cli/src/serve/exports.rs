//! The variables that other programs need to use a sandbox: as exports, and as a file.

use std::fmt::Write as _;
use std::path::Path;

use atlas_sandbox::{OWNER, READER, SandboxServer};

use crate::failure::Failure;
use crate::output_file::OutputFile;
use crate::read_file;

/// Variables with their values, in groups of one line each.
pub(super) struct Exports(Vec<Group>);

struct Group {
    comment: Option<String>,
    variables: Vec<(&'static str, String)>,
}

impl Exports {
    /// The variables for a server, the path of a certificate to trust, and a token that was
    /// generated for it.
    pub(super) fn of(
        server: &SandboxServer,
        authority: Option<&Path>,
        control_token: Option<&str>,
    ) -> Result<Self, Failure> {
        let mut groups = Vec::new();
        if let Some(path) = authority {
            let path = path.to_str().ok_or_else(|| {
                Failure::File(format!(
                    "cannot export the path {}: it is not UTF-8",
                    path.display()
                ))
            })?;
            // Windows takes both separators; to shells and readers of such files `\` is another thing.
            let path = if cfg!(windows) {
                path.replace('\\', "/")
            } else {
                path.to_owned()
            };
            let trusting = TRUSTING.map(|name| (name, path.clone()));
            groups.push(Group::of(None, trusting));
        }
        let set = |name, value: &str| [(name, value.to_owned())];
        let elsewhere = server.public_url() != server.url();
        groups.push(Group::of(
            elsewhere.then(|| format!("listens on {}:", server.url())),
            set("MONGODB_ATLAS_OPS_MANAGER_URL", server.public_url()),
        ));
        let (org, project) = server.with(|sandbox| sandbox.first_ids());
        let ids = [
            project.map(|id| ("MONGODB_ATLAS_PROJECT_ID", id)),
            org.map(|id| ("MONGODB_ATLAS_ORG_ID", id)),
        ];
        let ids: Vec<_> = ids.into_iter().flatten().collect();
        if !ids.is_empty() {
            groups.push(Group::of(None, ids));
        }
        groups.push(Group::of(
            Some("use one of these:".to_owned()),
            [
                ("MONGODB_ATLAS_PUBLIC_API_KEY", OWNER.public_key.to_owned()),
                (
                    "MONGODB_ATLAS_PRIVATE_API_KEY",
                    OWNER.private_key.to_owned(),
                ),
            ],
        ));
        groups.push(Group::of(
            None,
            [
                ("MONGODB_ATLAS_CLIENT_ID", OWNER.client_id.to_owned()),
                (
                    "MONGODB_ATLAS_CLIENT_SECRET",
                    OWNER.client_secret.to_owned(),
                ),
            ],
        ));
        groups.push(Group::of(
            None,
            set("MONGODB_ATLAS_ACCESS_TOKEN", OWNER.access_token),
        ));
        if let Some(token) = control_token {
            groups.push(Group::of(
                Some("for requests to /sandbox/*, as Authorization: Bearer TOKEN:".to_owned()),
                set("ATLAS_SANDBOX_CONTROL_TOKEN", token),
            ));
        }
        Ok(Self(groups))
    }

    /// Lines for a shell, with [`END`] as the last.
    pub(super) fn script(&self) -> String {
        let mut script = String::new();
        for group in &self.0 {
            if let Some(comment) = &group.comment {
                let _ = writeln!(script, "# {comment}");
            }
            let variables = group.variables.iter();
            let variables = variables.map(|(name, value)| format!(" {name}={}", quoted(value)));
            let _ = writeln!(script, "export{}", variables.collect::<String>());
        }
        let _ = writeln!(
            script,
            "# read-only credentials: MONGODB_ATLAS_PUBLIC_API_KEY={} \
             MONGODB_ATLAS_PRIVATE_API_KEY={}, or MONGODB_ATLAS_CLIENT_ID={} \
             MONGODB_ATLAS_CLIENT_SECRET={}, or MONGODB_ATLAS_ACCESS_TOKEN={}",
            READER.public_key,
            READER.private_key,
            READER.client_id,
            READER.client_secret,
            READER.access_token,
        );
        script + END
    }

    /// Lines of the form `NAME=value`, which `docker --env-file` and a shell read alike.
    fn file(&self) -> Result<String, Failure> {
        let mut file = format!("{BEGIN}\n");
        for (name, value) in self.0.iter().flat_map(|group| &group.variables) {
            if !value.chars().all(is_plain) {
                return Err(Failure::Usage(format!(
                    "cannot write {name} to the environment file: {value:?} needs quotes, which \
                     not every reader removes; choose a path of letters and digits"
                )));
            }
            let _ = writeln!(file, "{name}={value}");
        }
        Ok(file + END + "\n")
    }

    /// Writes the file, whole or not at all, readable by its owner only.
    pub(super) fn write(&self, path: &Path) -> Result<(), Failure> {
        let mut file = OutputFile::create(path, true)?;
        file.write(self.file()?.as_bytes())?;
        file.finish()
    }
}

impl Group {
    fn of(
        comment: Option<String>,
        variables: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        Self {
            comment,
            variables: variables.into_iter().collect(),
        }
    }
}

/// Removes the file of an earlier run, so that the file exists only once the sandbox is ready.
/// Refuses a file that no sandbox wrote.
pub(super) fn remove_old(path: &Path) -> Result<(), Failure> {
    let cannot = |what: &str, error: &std::io::Error| {
        Failure::File(format!("cannot {what} {}: {error}", path.display()))
    };
    match path.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(cannot("read", &error)),
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => {
            return Err(Failure::File(format!(
                "{} is not a regular file; choose another name",
                path.display()
            )));
        }
    }
    let text = read_file::text(path, LIMIT)
        .map_err(|error| Failure::File(format!("cannot read {}: {error}", path.display())))?;
    if !text.is_empty() && text.lines().next() != Some(BEGIN) {
        return Err(Failure::File(format!(
            "{} is not the environment file of a sandbox; choose another name",
            path.display()
        )));
    }
    std::fs::remove_file(path).map_err(|error| cannot("remove", &error))
}

/// Quotes a value for a shell if needed.
fn quoted(value: &str) -> String {
    if value.chars().all(is_plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Whether a character has no special meaning in a shell.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c)
}

/// The first line of a file.
const BEGIN: &str = "# atlas sandbox";
/// The last line, which marks the output as complete.
const END: &str = "# ready";
/// The largest file that an earlier run can have written, in bytes.
const LIMIT: u64 = 1 << 20;

/// The variables that name the trusted roots of OpenSSL, curl, requests and Node.js.
const TRUSTING: [&str; 4] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
];
