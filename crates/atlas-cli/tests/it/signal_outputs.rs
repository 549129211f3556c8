//! Output that stops, blocks or has no reader delays neither a signal nor other work.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use atlas_sandbox::FLEX_CLUSTER;

use crate::peer::raw_peer;
use crate::signal_states::{Holding, at, ends, until};
use crate::signals::start;
use crate::{assert_empty, atlas, folder};

const LOGS: [&str; 7] = [
    "api",
    "monitoringAndLogs",
    "getHostLogs",
    "--hostName",
    "h.example.net",
    "--logName",
    "mongodb",
];

#[test]
fn a_signal_ends_a_stalled_response_and_no_part_of_its_file_stays() {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: application/gzip\r\ncontent-length: 1000\r\n\r\n1234";
    for (signal, number) in [("-INT", 2), ("-TERM", 15), ("-HUP", 1)] {
        let folder = folder();
        let stopping = Holding::stopping(head);
        let child = start(
            at(&format!("http://{}", stopping.address), &folder)
                .args(LOGS)
                .args(["--outputFile", "l.gz"]),
        );
        until("an answer", || stopping.is_reached());
        until("a file", || {
            std::fs::read_dir(folder.path()).unwrap().count() == 1
        });
        ends(child, signal, number);
        assert_empty(&folder);
    }
}

#[test]
fn a_signal_ends_a_response_that_streams_into_a_full_pipe() {
    let folder = folder();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/gzip\r\nconnection: close\r\n\r\n";
    let peer = raw_peer(move |_, _| format!("{head}{}", "x".repeat(4 << 20)));
    let mut child = start(at(&peer.url, &folder).args(LOGS));
    let mut byte = [0];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut byte)
        .unwrap();
    ends(child, "-TERM", 15);
}

#[test]
fn a_signal_ends_a_command_whose_stderr_is_full() {
    let folder = folder();
    let silent = Holding::silent();
    let (reader, mut writer) = std::io::pipe().unwrap();
    // The capacity of a pipe.
    writer.write_all(&vec![b'\n'; 1 << 16]).unwrap();
    let mut command = at(&format!("http://{}", silent.address), &folder);
    let child = command
        .args(["backups", "snapshots", "list", FLEX_CLUSTER])
        .stderr(writer)
        .spawn()
        .unwrap();
    until("a connection", || silent.is_reached());
    ends(child, "-TERM", 15);
    drop(reader);
}

#[test]
fn a_signal_ends_a_sandbox_whose_connections_are_open() {
    let folder = folder();
    let mut serving = start(atlas(&folder).arg("sandbox"));
    let mut lines = BufReader::new(serving.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let address = first.split_once("http://").unwrap().1.to_owned();
    let mut open: Vec<TcpStream> = (0..8)
        .map(|_| TcpStream::connect(&address).unwrap())
        .collect();
    // Half a request, and a complete one.
    open[0]
        .write_all(b"GET /api/atlas/v2/groups HTTP/1.1\r\nHost:")
        .unwrap();
    open[1]
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    open[1].read_exact(&mut [0; 8]).unwrap();
    ends(serving, "-TERM", 15);
}

#[test]
fn a_sandbox_responds_even_if_its_lines_are_not_read() {
    let folder = folder();
    let mut serving = start(atlas(&folder).arg("sandbox"));
    let mut stdout = BufReader::new(serving.stdout.take().unwrap());
    let mut first = String::new();
    stdout.read_line(&mut first).unwrap();
    let address = first.trim().split_once("http://").unwrap().1.to_owned();
    // Each line has the path, so the pipe is full after a few of them.
    let path = format!("/{}", "a".repeat(4000));
    for number in 0..200 {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = [0; 8];
        let read = stream.read_exact(&mut answer);
        assert!(read.is_ok(), "request {number} got no response");
        assert_eq!(&answer, b"HTTP/1.1");
    }
    ends(serving, "-TERM", 15);
}

#[test]
fn texts_to_a_closed_pipe_end_without_an_error() {
    let folder = folder();
    for (arguments, variable) in [
        (&["--help"][..], None),
        (&["api", "clusters", "--help"], None),
        (&["--version"], None),
        (&["completion", "bash"], None),
        (&["--", "atlas", "api", ""], Some("bash")),
        (&["api", "sunsets"], None),
        (
            &["backups", "snapshots", "list", FLEX_CLUSTER, "--sandbox"],
            None,
        ),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = atlas(&folder);
        if let Some(shell) = variable {
            command.env("_ATLAS_COMPLETE", shell);
            command.env("_CLAP_COMPLETE_INDEX", "2");
        }
        let output = command
            .args(arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(stderr, "", "{arguments:?}");
        assert!(output.status.code().is_some(), "{arguments:?}");
    }
}
