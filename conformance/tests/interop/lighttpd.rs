//! Tests of the client with lighttpd's `mod_auth`, which challenges for SHA-256 and MD5 together.

use std::process::Command;

use atlas_transport::Credentials;

use super::program::{Program, folder, is_installed, port, runs};
use super::{client, status};

const USER: &str = "jdkfhgkr";
const PASSWORD: &str = "32b6e34b-3d91-647a-bb20-e7b800000000";

fn lighttpd(algorithms: &str) -> Option<Program> {
    let there = runs(Command::new("lighttpd").arg("-v"));
    if !is_installed(there, "lighttpd", "apt-get install lighttpd") {
        return None;
    }
    let (folder, port) = (folder(), port());
    let root = folder.path().display().to_string();
    std::fs::write(folder.path().join("keys"), format!("{USER}:{PASSWORD}\n")).unwrap();
    let configuration = format!(
        "server.modules = (\"mod_auth\", \"mod_authn_file\", \"mod_accesslog\")
server.bind = \"127.0.0.1\"
server.port = {port}
server.document-root = \"{root}\"
accesslog.filename = \"{root}/access\"
accesslog.format = \"%s %{{Authorization}}i\"
auth.backend = \"plain\"
auth.backend.plain.userfile = \"{root}/keys\"
auth.require = (\"/\" => (
  \"method\" => \"digest\", \"realm\" => \"MMS Public API\", \"require\" => \"valid-user\",
  \"algorithm\" => \"{algorithms}\"
))
"
    );
    std::fs::write(folder.path().join("conf"), configuration).unwrap();
    let mut command = Command::new("lighttpd");
    command.arg("-D").arg("-f").arg(folder.path().join("conf"));
    Some(Program::start(&mut command, folder, port, "server started"))
}

#[tokio::test]
async fn the_stronger_of_two_challenges_is_answered_and_kept() {
    for (algorithms, expected) in [
        ("SHA-256|MD5", "algorithm=SHA-256"),
        ("MD5|SHA-256", "algorithm=SHA-256"),
        ("MD5", "algorithm=MD5"),
    ] {
        let Some(mut lighttpd) = lighttpd(algorithms) else {
            return;
        };
        let client = client(&lighttpd.url, &Credentials::api_key(USER, PASSWORD));
        for _ in 0..10 {
            assert_eq!(status(&client).await, 200);
        }
        lighttpd.stop();
        let log = lighttpd.log("access");
        let refused = log.iter().filter(|line| line.starts_with("401")).count();
        assert_eq!((refused, log.len()), (1, 11), "{log:#?}");
        assert!(
            log[1..].iter().all(|line| line.contains(expected)),
            "{log:#?}"
        );
    }
}

#[tokio::test]
async fn a_wrong_key_needs_two_requests() {
    let Some(mut lighttpd) = lighttpd("SHA-256|MD5") else {
        return;
    };
    let client = client(&lighttpd.url, &Credentials::api_key(USER, "wr0ng"));
    assert_eq!(status(&client).await, 401);
    lighttpd.stop();
    assert_eq!(lighttpd.log("access").len(), 2);
}
