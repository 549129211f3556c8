//! Proxies of the environment: used, or an error that names the variable; never passed over.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::{atlas, error_line, folder};

/// Runs a call over `https` to a port of this machine, which must end with `code`. Returns the error
/// line, after checking that nothing connected to that port and no part of a password is shown.
fn call(variable: &str, value: &[u8], code: i32) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    let output = atlas(&folder())
        .args(["api", "projects", "listGroups"])
        .env(
            "MONGODB_ATLAS_OPS_MANAGER_URL",
            format!("https://127.0.0.1:{port}"),
        )
        .env("MONGODB_ATLAS_ACCESS_TOKEN", "t0ken")
        .env(variable, std::ffi::OsStr::from_bytes(value))
        .output()
        .unwrap();
    let line = error_line(&output, code);
    assert!(listener.accept().is_err(), "a direct connection: {line}");
    for secret in ["us3r", "s3", "cret"] {
        assert!(!line.contains(secret), "{variable} {line}");
    }
    line
}

#[test]
fn an_unusable_proxy_is_an_error_that_names_its_variable_and_nothing_is_sent_around_it() {
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        for value in [
            &b" http://us3r:s3cret@127.0.0.1:1"[..],
            b"http://us3r:s3cret@127.0.0.1:1\n",
            b"http://us3r:s3 cret@127.0.0.1:1",
            b"http://us3r:s3#cret@127.0.0.1:1",
            b"http://us3r:s3cret@127.0.0.1:99999",
            b"http://us3r:s3cret\xff@127.0.0.1:1",
            b"socks4://us3r:s3cret@127.0.0.1:1",
            b"socks5://us3r:s3@cret@127.0.0.1:1",
            b"https://us3r:s3/cret@127.0.0.1:1",
            b" ",
        ] {
            let line = call(variable, value, 2);
            assert!(line.contains(variable), "{line}");
        }
    }
}

#[test]
fn a_proxy_of_the_environment_gets_the_host_and_no_other_connection_is_made() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = proxy.local_addr().unwrap();
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = proxy.accept().unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(refusal).unwrap();
        String::from_utf8(head).unwrap()
    });
    // Without a scheme it is an HTTP proxy, as in curl.
    let proxy = format!("us3r:s3cret@{address}");
    let line = call("HTTPS_PROXY", proxy.as_bytes(), 5);
    let hint = "proxy answered 407 to CONNECT; check the user and password in HTTPS_PROXY";
    assert!(line.contains(hint), "{line}");
    let head = asked.join().unwrap();
    assert!(head.starts_with("CONNECT 127.0.0.1:"), "{head}");
    // us3r:s3cret
    assert!(head.contains("Basic dXMzcjpzM2NyZXQ="), "{head}");
}

/// A SOCKS proxy without login methods, and the number of its connections.
fn socks() -> (String, Arc<AtomicUsize>) {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("socks5h://us3r:s3cret@{}", proxy.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    std::thread::spawn(move || {
        for stream in proxy.incoming() {
            let mut stream = stream.unwrap();
            stream.read_exact(&mut [0; 4]).unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            stream.write_all(&[5, 0xff]).unwrap();
        }
    });
    (address, asked)
}

#[test]
fn a_socks_proxy_that_refuses_names_the_variable_and_is_asked_once() {
    for variable in ["HTTPS_PROXY", "all_proxy"] {
        let (address, asked) = socks();
        let line = call(variable, address.as_bytes(), 5);
        let hint = format!("check the user and password in {variable}");
        assert!(line.contains(&hint), "{line}");
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}

#[cfg(feature = "object-store")]
mod stores {
    use atlas_sandbox::FLEX_CLUSTER;

    use super::{Arc, AtomicUsize, Ordering, OsStrExt, Read, TcpListener, Write};
    use crate::{atlas_at, error_line, folder, sandbox};

    /// As [`call`](super::call), for a download to a store.
    fn upload(variable: &str, value: &[u8], code: i32) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        listener.set_nonblocking(true).unwrap();
        let (_runtime, server) = sandbox();
        for more in [&[][..], &["--force"]] {
            let before = server.with(|sandbox| sandbox.requests());
            let output = atlas_at(&server, &folder())
                .env("AWS_ACCESS_KEY_ID", "key")
                .env("AWS_SECRET_ACCESS_KEY", "s3cret-of-the-store")
                .env("AWS_ENDPOINT_URL", format!("https://127.0.0.1:{port}"))
                .env(variable, std::ffi::OsStr::from_bytes(value))
                .args(["backups", "snapshots", "download", "latest"])
                .args(["--clusterName", FLEX_CLUSTER, "--out", "s3://bucket/s.tgz"])
                .args(more)
                .output()
                .unwrap();
            let line = error_line(&output, code);
            assert!(listener.accept().is_err(), "a direct connection: {line}");
            for secret in ["us3r", "s3cr", "cret"] {
                assert!(!line.contains(secret), "{variable} {line}");
            }
            // Only the request of the cluster: a challenge and its response.
            assert!(server.with(|sandbox| sandbox.requests()) <= before + 2);
            if code == 2 {
                assert!(
                    line.contains(&format!("{variable} cannot be used")),
                    "{line}"
                );
            } else {
                return line;
            }
        }
        String::new()
    }

    #[test]
    fn an_unusable_proxy_is_the_same_error_for_a_store_and_nothing_is_sent_around_it() {
        for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            for value in [
                &b" http://us3r:s3cret@127.0.0.1:1"[..],
                b"http://us3r:s3cret@127.0.0.1:1\n",
                b"http://us3r:s3 cret@127.0.0.1:1",
                b"http://us3r:s3#cret@127.0.0.1:1",
                b"http://us3r:s3cret@127.0.0.1:99999",
                b"http://us3r:s3cret\xff@127.0.0.1:1",
                b"gopher://us3r:s3cret@127.0.0.1:1",
                b"socks5h://us3r:s3@cret@127.0.0.1:1",
                b"https://us3r:s3/cret@127.0.0.1:1",
                b"socks4://us3r:s3cret@127.0.0.1:1",
            ] {
                upload(variable, value, 2);
            }
        }
    }

    #[test]
    fn a_proxy_that_refuses_is_asked_once_for_a_store() {
        for refusal in ["407 Proxy Authentication Required", "403 Forbidden"] {
            let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = proxy.local_addr().unwrap();
            let asked = Arc::new(AtomicUsize::new(0));
            let counted = asked.clone();
            std::thread::spawn(move || {
                for stream in proxy.incoming() {
                    let mut stream = stream.unwrap();
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let mut byte = [0];
                        stream.read_exact(&mut byte).unwrap();
                        head.push(byte[0]);
                    }
                    assert!(head.starts_with(b"CONNECT 127.0.0.1:"));
                    counted.fetch_add(1, Ordering::SeqCst);
                    let answer = format!("HTTP/1.1 {refusal}\r\ncontent-length: 0\r\n\r\n");
                    stream.write_all(answer.as_bytes()).unwrap();
                }
            });
            let value = format!("http://us3r:s3cret@{address}");
            let line = upload("HTTPS_PROXY", value.as_bytes(), 6);
            let status = refusal.split(' ').next().unwrap();
            assert!(line.contains(&format!("proxy answered {status}")), "{line}");
            assert!(
                line.contains("check the endpoint, the network and any proxy"),
                "{line}"
            );
            assert_eq!(asked.load(Ordering::SeqCst), 1, "{line}");
        }
    }

    #[test]
    fn a_socks_proxy_that_refuses_is_the_same_error_for_a_store_and_is_asked_once() {
        let (address, asked) = super::socks();
        let line = upload("ALL_PROXY", address.as_bytes(), 6);
        let hint = "check the user and password in ALL_PROXY";
        assert!(line.contains(hint), "{line}");
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{line}");
    }
}
