//! Bars on a terminal: they are drawn, and removed completely.

use atlas_sandbox::DEDICATED_CLUSTER;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::terminal::{Session, at, plain};
use crate::{atlas_at, folder, project, sandbox};

/// The text that stays on the screen: of each line, the part after its last carriage return or
/// clearing.
fn screen(text: &str) -> Vec<String> {
    let kept = |line: &str| {
        let line = line.rsplit("\u{1b}[2K").next().unwrap_or_default();
        let line = line.rsplit('\r').next().unwrap_or_default();
        plain(line)
    };
    text.lines().map(kept).collect()
}

/// Writes a gzipped tar of poorly compressible bytes.
fn write_archive(path: &std::path::Path, mebibytes: usize) {
    let file = std::fs::File::create(path).unwrap();
    let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::none()));
    let mut random = fastrand::Rng::with_seed(7);
    let mut bytes = vec![0; mebibytes << 20];
    random.fill(&mut bytes);
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o600);
    tar.append_data(&mut header, "collection.bson", &bytes[..])
        .unwrap();
    tar.into_inner().unwrap().finish().unwrap();
}

/// Checks that a bar with a rate and a time left was drawn, and removed completely.
fn assert_bar(shown: &str, stages: &[&str]) {
    for stage in stages {
        let is_frame = |frame: &str| {
            let frame = plain(frame);
            let time = frame.split_whitespace().next_back().unwrap_or_default();
            frame.contains(&format!("{stage} "))
                && frame.contains("/s")
                && time.ends_with('s')
                && !time.contains('/')
        };
        let mut frames = shown.split(['\r', '\n']);
        assert!(frames.any(is_frame), "{stage}: {shown:?}");
    }
    for line in screen(shown) {
        assert!(!line.contains("/s"), "{line:?}: {shown:?}");
    }
}

#[test]
fn a_large_file_is_checked_with_a_bar_that_is_gone_at_the_end() {
    let folder = folder();
    write_archive(&folder.path().join("large.tgz"), 64);
    let session = Session {
        folder: &folder,
        url: "http://127.0.0.1:1",
        variables: &[],
        columns: 80,
    };
    let verify = ["backups", "verify", "large.tgz"];
    let (code, shown) = session.run(&verify);
    assert_eq!(code, Some(0), "{shown}");
    assert_bar(&shown, &["checked"]);
    let lines = screen(&shown);
    let said: Vec<&String> = lines.iter().filter(|line| !line.is_empty()).collect();
    assert_eq!(said.len(), 1, "{shown:?}");
    assert!(said[0].starts_with("checked  large.tgz: "), "{shown:?}");
    for flags in [&["-q"][..], &["--log-format", "json"]] {
        let (code, shown) = session.run(&[&verify[..], flags].concat());
        assert_eq!(code, Some(0), "{shown}");
        assert!(!shown.contains("/s"), "{flags:?}: {shown:?}");
    }
}

#[test]
fn a_download_has_a_bar_that_is_gone_at_the_end() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let id = "32b6e34b3d91647abb20e7aa";
    server.with(|sandbox| {
        let cluster = DEDICATED_CLUSTER.parse().unwrap();
        let finished = "2026-01-09T00:00:00Z".parse().unwrap();
        sandbox.add_snapshot_at(project(), &cluster, id.parse().unwrap(), 48 << 20, finished);
    });
    let download = ["backups", "snapshots", "download", id];
    let named = ["--clusterName", DEDICATED_CLUSTER, "--out", "s.tgz"];
    let (code, shown) = at(&server, &folder).run(&[&download[..], &named].concat());
    assert_eq!(code, Some(0), "{shown}");
    assert_bar(&shown, &["received"]);
    let last = screen(&shown).pop().unwrap();
    assert!(last.starts_with("s.tgz"), "{shown:?}");
    // Without a terminal, no bar is drawn.
    let piped = atlas_at(&server, &folder)
        .args(download)
        .args(["--clusterName", DEDICATED_CLUSTER, "--out", "t.tgz"])
        .output()
        .unwrap();
    assert!(piped.status.success());
    let stderr = String::from_utf8_lossy(&piped.stderr);
    assert!(
        !stderr.contains("/s") && !stderr.contains('\r'),
        "{stderr:?}"
    );
}

#[test]
fn ctrl_c_removes_the_bar() {
    let folder = folder();
    write_archive(&folder.path().join("large.tgz"), 64);
    // Read repeatedly, so that the key arrives during the work.
    let files = ["large.tgz"; 50];
    let session = Session {
        folder: &folder,
        url: "http://127.0.0.1:1",
        variables: &[("NO_COLOR", "1")],
        columns: 80,
    };
    let mut terminal = session.start(&[&["backups", "verify"][..], &files].concat());
    terminal.until("/s");
    terminal.press("\u{3}");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(130), "{shown:?}");
    let lines = screen(&shown);
    let lines: Vec<&String> = lines.iter().filter(|line| !line.is_empty()).collect();
    let last = lines.last().unwrap().as_str();
    assert_eq!(last, "error: interrupted", "{shown:?}");
    assert!(!lines.iter().any(|line| line.contains("/s")), "{shown:?}");
}
