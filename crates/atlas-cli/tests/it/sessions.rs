//! One session for each command against a sandbox, with the output that a user sees.

use std::fmt::Write as _;

use atlas_sandbox::{Sandbox, SandboxServer};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{atlas_at, folder};

/// A sandbox in which every change is immediate and the clock stands still.
struct Session {
    runtime: Runtime,
    server: SandboxServer,
    folder: TempDir,
    said: String,
}

impl Session {
    fn new() -> Self {
        let mut sandbox = Sandbox::new();
        sandbox.set_provisioning_time(jiff::SignedDuration::ZERO);
        sandbox.set_download_delay(jiff::SignedDuration::ZERO);
        let start = "2026-01-10T09:42:00Z".parse().unwrap();
        let builder = SandboxServer::builder(sandbox)
            .start_at(start)
            .time_scale(1);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let server = runtime.block_on(builder.start()).unwrap();
        server.stop_clock(true);
        Self {
            runtime,
            server,
            folder: folder(),
            said: String::new(),
        }
    }

    /// Runs a line and returns its stdout.
    fn type_line(&mut self, line: &str) -> String {
        let mut words = Vec::new();
        let mut quoted = line.split('\'');
        while let Some(plain) = quoted.next() {
            words.extend(plain.split_whitespace().map(str::to_owned));
            words.extend(quoted.next().map(str::to_owned));
        }
        let output = atlas_at(&self.server, &self.folder)
            .env("XDG_CONFIG_HOME", self.folder.path().join("config"))
            .args(&words)
            .output()
            .unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let code = output.status.code().unwrap();
        // Several clusters are processed at once: the order of their lines varies.
        let mut lines: Vec<&str> = stdout.lines().collect();
        if lines.iter().any(|line| line.starts_with("Dedicated0: ")) {
            lines.sort_unstable();
        }
        let mut shown = lines.join("\n");
        if !shown.is_empty() {
            shown.push('\n');
        }
        let _ = write!(self.said, "$ atlas {line}\n{shown}{stderr}");
        if code != 0 {
            let _ = writeln!(self.said, "[{code}]");
        }
        stdout
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The transcript, without the parts that differ between runs.
    fn end(self) -> String {
        let said = self
            .said
            .replace(self.server.url(), "http://127.0.0.1:PORT")
            .replace(&self.folder.path().display().to_string(), "FOLDER");
        drop(self.runtime);
        said
    }
}

fn session(lines: &[&str]) -> String {
    let mut session = Session::new();
    for line in lines {
        session.type_line(line);
    }
    session.end()
}

#[test]
fn snapshots() {
    let mut session = Session::new();
    let made = session.type_line(
        "backup snapshot create Dedicated0 --desc 'before the upgrade' --retention 7 -o json-path=$.id",
    );
    let made = made.trim();
    session.type_line("backups snapshots create Dedicated0 --desc x");
    for line in [
        "backups snapshots list Flex0 --limit 2",
        "backups snapshots ls Dedicated0",
        "backups snapshots list Sharded0",
        "backups snapshots list Cluster0 -o json-path=$.results[0].status",
        "backups snapshots list Dedicated0 --omitCount --limit 1 -o json",
        "backups snapshots list Sharded0 --page 2",
        "backups snapshots list Sharded0 --limit 1 -o json-path=$.totalCount",
        "backups snapshots list Missing",
        "backups snapshots list",
        "backups snapshots list Flex0 -o go-template={{.id}}",
    ] {
        session.type_line(line);
    }
    for line in [
        "describe ID --clusterName Dedicated0",
        "get ID --clusterName Dedicated0 -o 'json-path=$.description'",
        "watch ID --clusterName Dedicated0",
        "delete ID --clusterName Dedicated0",
        "rm ID --clusterName Dedicated0 --force",
        "describe nope --clusterName Dedicated0",
        "delete 32b6e34b3d91647abb20e7b8 --clusterName Flex0 --force",
    ] {
        session.type_line(&format!("backups snapshots {}", line.replace("ID", made)));
    }
    insta::assert_snapshot!(session.end());
}

#[test]
fn downloads() {
    insta::assert_snapshot!(session(&[
        "backups snapshots download latest --clusterName Flex0 --out flex.tgz",
        "backups snapshots download latest --clusterName Flex0 --out flex.tgz",
        "backups snapshots download latest --clusterName Flex0 --out flex.tgz --force -q",
        "backups snapshots download before:2026-01-03T00:00:00Z --clusterName Flex0 -o json",
        "backups snapshots download before:yesterday --clusterName Flex0",
        "backups snapshots download --clusterName Flex0",
        "backups snapshots download latest --job 32b6e34b3d91647abb20e7b8 --clusterName Flex0",
        "backups snapshots download --job 32b6e34b3d91647abb20e7b8 --clusterName Flex0",
        "backups verify flex.tgz",
        "backups verify flex.tgz -o json-path=$.sound",
        "backups verify nothing.tgz",
    ]));
}

#[test]
fn restores() {
    let mut session = Session::new();
    let job = session.type_line(
        "backups restores start download --clusterName Dedicated0 --snapshotId latest -o json-path=$.id",
    );
    let job = job.trim();
    for line in [
        "list Dedicated0",
        "ls --clusterName Dedicated0 -o json-path=$.totalCount",
        "describe JOB --clusterName Dedicated0",
        "watch JOB --clusterName Dedicated0",
        "start automated --clusterName Dedicated0 --snapshotId latest --targetClusterName Sharded0",
        "start automated --clusterName Dedicated0 --snapshotId latest --targetClusterName Flex0 --force",
        "start --clusterName Dedicated0 pointInTime --pointInTimeUTCSeconds 1767900000 \
         --targetClusterName Dedicated0 --force",
        "start pointInTime --clusterName Dedicated0 --targetClusterName Dedicated0 --force",
        "start pointInTime --clusterName Dedicated0 --oplogTs 1 --targetClusterName Dedicated0",
        "start pointInTime --clusterName Flex0 --pointInTimeUTCSeconds 1767900000 \
         --targetClusterName Dedicated0 --force",
        "start download --clusterName Dedicated0",
        "start download --clusterName Dedicated0 --snapshotId latest --targetClusterName X",
        "start sideways --clusterName Dedicated0",
    ] {
        let line = line.replace("JOB", job);
        session.type_line(&format!("backups restores {line}"));
    }
    insta::assert_snapshot!(session.end());
}

#[test]
fn schedules() {
    let mut session = Session::new();
    let ids = session.type_line(
        "backups schedule describe Dedicated0 -o 'json-path=$.policies[0][\"id\",\"policyItems\"]'",
    );
    let policy = ids.lines().next().unwrap_or_default().to_owned();
    let item = session.type_line(
        "backups schedule describe Dedicated0 -o json-path=$.policies[0].policyItems[1].id",
    );
    session.write("schedule.json", r#"{"referenceMinuteOfHour": 15}"#);
    session.write("broken.json", "{");
    session.write("none.json", r#"{"policies": []}"#);
    session.write("nothing.json", "{}");
    session.write("unknown.json", r#"{"referenceHour": 3}"#);
    for line in [
        "describe Dedicated0".to_owned(),
        "update --clusterName Dedicated0 --referenceHourOfDay 3 --updateSnapshots".to_owned(),
        format!(
            "update --clusterName Dedicated0 --policy {policy},{},daily,1,days,9 -o \
             json-path=$.policies[0].policyItems[1]",
            item.trim()
        ),
        "update --clusterName Dedicated0 --file schedule.json".to_owned(),
        "update --clusterName Dedicated0 --file broken.json".to_owned(),
        "update --clusterName Dedicated0 --file none.json".to_owned(),
        "update --clusterName Dedicated0 --file nothing.json".to_owned(),
        "update --clusterName Dedicated0 --file unknown.json".to_owned(),
        "update --clusterName Dedicated0 --file schedule.json --referenceHourOfDay 3".to_owned(),
        "update --clusterName Dedicated0 --referenceHourOfDay 24".to_owned(),
        "update --clusterName Dedicated0 --policy x,y,daily,1,days,9".to_owned(),
        "update --clusterName Dedicated0 --autoExport".to_owned(),
        "update --clusterName Dedicated0".to_owned(),
        "describe --clusterName Dedicated0".to_owned(),
        "delete Dedicated0".to_owned(),
        "delete Dedicated0 --force".to_owned(),
        "describe Flex0".to_owned(),
    ] {
        session.type_line(&format!("backups schedule {line}"));
    }
    insta::assert_snapshot!(session.end());
}

#[test]
fn exports() {
    let mut session = Session::new();
    session.write("role.json", r#"{"providerName": "AWS"}"#);
    let role = session.type_line(
        "api cloudProviderAccess createCloudProviderAccess --file role.json -o json-path=$.roleId",
    );
    let role = role.trim();
    let bucket = session.type_line(&format!(
        "backups exports buckets create backups --cloudProvider aws --iamRoleId {role} -o \
         json-path=$._id"
    ));
    let snapshot =
        session.type_line("backups snapshots list Dedicated0 -o json-path=$.results[0].id");
    let job = session.type_line(&format!(
        "backups exports jobs create --clusterName Dedicated0 --bucketId {} --snapshotId {} \
         --customData team=data,env=test -o json-path=$.id",
        bucket.trim(),
        snapshot.trim()
    ));
    for line in [
        "buckets list",
        "bucket describe --bucketId BUCKET",
        "buckets create backups --cloudProvider AZURE --iamRoleId BUCKET",
        "jobs list Dedicated0",
        "jobs describe --clusterName Dedicated0 --exportId JOB",
        "jobs watch JOB --clusterName Dedicated0",
        "job create --clusterName Dedicated0 --bucketId BUCKET --snapshotId SNAP --customData team",
        "buckets delete --bucketId BUCKET",
        "buckets delete --bucketId BUCKET --force",
    ] {
        let line = line.replace("BUCKET", bucket.trim());
        let line = line.replace("SNAP", snapshot.trim());
        let line = line.replace("JOB", job.trim());
        session.type_line(&format!("backups exports {line}"));
    }
    insta::assert_snapshot!(session.end());
}

#[test]
fn compliance_policies() {
    let mut session = Session::new();
    session.write("typo.json", r#"{"autorizedEmail": "ada@example.com"}"#);
    session.write(
        "policy.json",
        r#"{"authorizedEmail": "ada@example.com", "authorizedUserFirstName": "Ada",
            "authorizedUserLastName": "Lovelace"}"#,
    );
    for line in [
        "describe",
        "copyProtection enable",
        "enable --authorizedEmail ada --authorizedUserFirstName Ada --authorizedUserLastName L",
        "enable --authorizedEmail ada@example.com --authorizedUserFirstName Ada \
         --authorizedUserLastName Lovelace",
        "enable --authorizedEmail ada@example.com --authorizedUserFirstName Ada \
         --authorizedUserLastName Lovelace --force --watch",
        "copyProtection enable --watch -o json-path=$.copyProtectionEnabled",
        "copyprotection disable -o json-path=$.copyProtectionEnabled",
        "encryptionAtRest enable -o json-path=$.encryptionAtRestEnabled",
        "encryptionAtRest disable -o json-path=$.encryptionAtRestEnabled",
        "pointInTimeRestores enable --restoreWindowDays 7 -o json-path=$.restoreWindowDays",
        "policies ondemand create --retentionUnit weeks --retentionValue 2",
        "policies ondemand update --retentionUnit weeks --retentionValue 3",
        "policies ondemand describe",
        "policies scheduled create --frequencyType daily --frequencyInterval 1 --retentionUnit days \
         --retentionValue 7",
        "policies scheduled describe",
        "policies describe",
        "enable --authorizedEmail ada@example.com --authorizedUserFirstName Ada \
         --authorizedUserLastName Lovelace --force",
        "setup --file policy.json",
        "setup --file typo.json --force",
        "describe",
    ] {
        session.type_line(&format!("backups compliancePolicy {line}"));
    }
    insta::assert_snapshot!(session.end());
}

#[test]
fn clusters_projects_and_the_account() {
    insta::assert_snapshot!(session(&[
        "clusters list",
        "clusters ls --tier FLEX",
        "clusters describe Flex0",
        "clusters get Sharded0 -o json-path=$.clusterType",
        "clusters describe Missing",
        "projects list",
        "projects describe 32b6e34b3d91647abb20e7b8",
        "project get",
        "projects describe 32b6e34b3d91647abb20e7ff",
        "auth whoami",
        "auth whoami -o json-path=$.kind",
    ]));
}

#[test]
fn profiles() {
    let mut session = Session::new();
    session.type_line("config list");
    session.write(
        "config/atlascli/config.toml",
        "version = 2\n[default]\nauth_type = \"api_keys\"\npublic_api_key = \"abc\"\n\
         private_api_key = \"very-secret\"\nops_manager_url = \"https://u:very-secret@host\"\n\
         new_token = \"very-secret\"\n[ring]\noutput = \"json\"\n",
    );
    for line in [
        "config list",
        "config ls -o json",
        "config describe default",
        "config describe RING -o json",
        "config describe other",
    ] {
        session.type_line(line);
    }
    session.write(
        "config/atlascli/config.toml",
        "[default]\nsecret = very-secret\n",
    );
    session.type_line("config list");
    let said = session.end();
    assert!(!said.contains("very-secret"), "{said}");
    // The folder is another one in each run.
    let said: Vec<&str> = said
        .lines()
        .map(|line| line.find("config.toml:").map_or(line, |at| &line[at..]))
        .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn pulls() {
    let mut session = Session::new();
    session.write(
        "pull.toml",
        "dir = \"all\"\nkeep-daily = 2\nmax-age = \"30d\"\n\n[[cluster]]\n\
         clusterName = \"Flex0\"\n\n[[cluster]]\nclusterName = \"Dedicated0\"\nkeep = \"1\"\n\
         dir = \"elsewhere\"\n",
    );
    session.write(
        "typo.toml",
        "dir = \"all\"\n[[cluster]]\nclusterNames = \"Flex0\"\n",
    );
    session.write("types.toml", "dir = \"all\"\nkeep-daily = \"two\"\n");
    session.write("wide.toml", "keep-daily = 99999999999999999999999\n");
    session.write("empty.toml", "dir = \"all\"\n");
    session.write(
        "twice.toml",
        "dir = \"a\"\n[[cluster]]\nclusterName = \"A\"\n[[cluster]]\nclusterName = \"A\"\n",
    );
    for line in [
        "--clusterName Flex0 --dir flex --keep 2",
        "--clusterName Flex0 --dir flex --keep 2",
        "--clusterName Flex0 --dir flex --keep 2 -v",
        "--clusterName Flex0 --dir flex --keep 3 -q",
        "--clusterName Flex0 --dir flex --keep 3 --max-age 1h",
        "--config pull.toml --dry-run",
        "--config pull.toml -q",
        "--config pull.toml",
        "--config typo.toml",
        "--config types.toml",
        "--config wide.toml",
        "--config empty.toml",
        "--config twice.toml",
        "--config absent.toml",
        "--config pull.toml --keep 3",
        "--dir flex",
        "--clusterName Flex0",
    ] {
        session.type_line(&format!("backups pull {line}"));
    }
    insta::assert_snapshot!(session.end());
}
