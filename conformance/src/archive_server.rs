//! The server of download cases: serves one Flex snapshot, with injected faults.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http_range_header::parse_range_header;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::archive::archive;
use crate::case::{DownloadCase, DownloadFault, FaultAction, Place};
use crate::scripted::{lock, reason};
use crate::variables::Variables;
use crate::wire::{Malformed, WireRequest, authority, read};

/// A server on a free loopback port; dropping it stops it.
#[derive(Debug)]
pub(crate) struct ArchiveServer {
    /// The base URL, `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    shared: Arc<Mutex<Shared>>,
    stalled: watch::Receiver<bool>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    url: String,
    project: String,
    cluster: String,
    snapshot: String,
    file: Arc<[u8]>,
    tag: String,
    job_fails: bool,
    faults: Vec<(DownloadFault, usize)>,
    served: u64,
    malformed: Option<Malformed>,
    stalled: watch::Sender<bool>,
    conversation: String,
}

/// A response before any fault.
struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Arc<[u8]>,
    /// The range of the body that is sent.
    part: std::ops::Range<usize>,
    is_file: bool,
}

impl ArchiveServer {
    /// Starts a server with the snapshot and the faults of a case, in the project and cluster of
    /// the variables.
    ///
    /// # Errors
    /// Fails if no port can be bound or the archive cannot be built.
    pub(crate) async fn start(case: &DownloadCase, world: &Variables) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let file: Arc<[u8]> = archive(case.bytes)?.into();
        let (stall, stalled) = watch::channel(false);
        let shared = Arc::new(Mutex::new(Shared {
            url: url.clone(),
            project: world.get("project").to_owned(),
            cluster: world.get("flex").to_owned(),
            snapshot: world.get("flex.snapshot").to_owned(),
            tag: format!("\"{:.16}\"", const_hex::encode(Sha256::digest(&file))),
            file,
            job_fails: case.job_fails,
            faults: case.faults.iter().map(|fault| (fault.clone(), 0)).collect(),
            served: 0,
            malformed: None,
            stalled: stall,
            conversation: String::new(),
        }));
        let serving = shared.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, serving.clone()));
            }
        });
        Ok(Self {
            url,
            shared,
            stalled,
            accepting,
        })
    }

    /// Returns the complete file.
    pub(crate) fn file(&self) -> Arc<[u8]> {
        lock(&self.shared).file.clone()
    }

    /// Returns the number of bytes of the file sent so far.
    pub(crate) fn served(&self) -> u64 {
        lock(&self.shared).served
    }

    /// Waits until a response stalls.
    pub(crate) async fn stalled(&self) {
        let _ = self.stalled.clone().wait_for(|stalled| *stalled).await;
    }

    /// Removes the faults that stall.
    pub(crate) fn stop_stalling(&self) {
        let stalls =
            |(fault, _): &(DownloadFault, usize)| matches!(fault.action, FaultAction::Stall(_));
        lock(&self.shared).faults.retain(|fault| !stalls(fault));
    }

    /// Returns why the first bytes that are no valid request are not one.
    pub(crate) fn malformed(&self) -> Option<Malformed> {
        lock(&self.shared).malformed.clone()
    }

    /// Returns the requests and statuses as text.
    pub(crate) fn conversation(&self) -> String {
        lock(&self.shared).conversation.clone()
    }
}

impl Drop for ArchiveServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Mutex<Shared>>) {
    let _ = stream.set_nodelay(true);
    let url = lock(&shared).url.clone();
    let mut buffer = Vec::new();
    loop {
        let request = match read(&mut stream, &mut buffer, authority(&url), Instant::now()).await {
            Ok(Some(request)) => request,
            Ok(None) => return,
            Err(malformed) => {
                let mut shared = lock(&shared);
                let _ = writeln!(shared.conversation, "> (closed: {malformed})\n");
                shared.malformed.get_or_insert(malformed);
                return;
            }
        };
        let (reply, fault) = {
            let mut shared = lock(&shared);
            let place = place(&request);
            let fault = place.and_then(|place| shared.fault(place));
            let reply = match &fault {
                Some(FaultAction::Status { status, error_code }) => {
                    refused(*status, error_code.as_deref())
                }
                _ => shared.answer(&request),
            };
            let (method, target, status) = (&request.method, &request.target, reply.status);
            let target = target.split(TOKEN).next().unwrap_or_default();
            let fault = fault.filter(|fault| !matches!(fault, FaultAction::Status { .. }));
            let shown = fault
                .as_ref()
                .map_or(String::new(), |it| format!(" ({it:?})"));
            let _ = writeln!(
                shared.conversation,
                "> {method} {target}\n< {status}{shown}\n"
            );
            (reply, fault)
        };
        let head_only = request.method == "HEAD";
        if send(&mut stream, &reply, head_only, fault, &shared)
            .await
            .is_err()
        {
            return;
        }
    }
}

/// The secret part of a link's path.
const TOKEN: &str = "t0ken-of-the-link";

fn place(request: &WireRequest) -> Option<Place> {
    let path = request.target.split('?').next().unwrap_or_default();
    if path.starts_with("/store/") {
        Some(Place::Link)
    } else if path.ends_with("/backup/download") {
        Some(Place::Request)
    } else {
        None
    }
}

impl Shared {
    /// Returns the first fault that applies. Each fault counts only the requests to which no
    /// earlier fault applied.
    fn fault(&mut self, place: Place) -> Option<FaultAction> {
        for (fault, count) in &mut self.faults {
            if fault.on != place {
                continue;
            }
            *count += 1;
            if fault.nth.is_empty() || fault.nth.contains(count) {
                return Some(fault.action.clone());
            }
        }
        None
    }

    fn answer(&self, request: &WireRequest) -> Reply {
        let path = request.target.split('?').next().unwrap_or_default();
        if path.starts_with("/store/") {
            return self.link(request, path);
        }
        if request.header("authorization").is_none_or(str::is_empty) {
            return refused(401, None);
        }
        let cluster = format!(
            "/api/atlas/v2/groups/{}/flexClusters/{}",
            self.project, self.cluster
        );
        let Some(rest) = path.strip_prefix(&cluster) else {
            let code = "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API";
            let of_dedicated = path.ends_with(&format!("/clusters/{}", self.cluster));
            return if of_dedicated {
                refused(400, Some(code))
            } else {
                refused(404, Some("RESOURCE_NOT_FOUND"))
            };
        };
        let snapshot = || {
            json!({
                "id": self.snapshot, "status": "COMPLETED", "mongoDBVersion": "8.0.29",
                "scheduledTime": TAKEN, "startTime": TAKEN, "finishTime": TAKEN,
                "expiration": "2026-01-10T00:00:00Z",
            })
        };
        let parts: Vec<&str> = rest.split('/').skip(1).collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", []) => ok(&json!({
                "name": self.cluster, "groupId": self.project, "id": self.project,
                "stateName": "IDLE", "clusterType": "REPLICASET",
            })),
            ("GET", ["backup", "snapshots"]) => ok(&list(&snapshot())),
            ("GET", ["backup", "snapshots", id]) if *id == self.snapshot => ok(&snapshot()),
            ("POST", ["backup", "download"]) => {
                let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
                if body["snapshotId"] == self.snapshot.as_str() {
                    ok(&self.job())
                } else {
                    refused(404, Some("RESOURCE_NOT_FOUND"))
                }
            }
            ("GET", ["backup", "restoreJobs"]) => ok(&list(&self.job())),
            ("GET", ["backup", "restoreJobs", id]) if *id == JOB => ok(&self.job()),
            _ => refused(404, Some("RESOURCE_NOT_FOUND")),
        }
    }

    fn job(&self) -> Value {
        let mut job = json!({
            "id": JOB, "instanceName": self.cluster, "projectId": self.project,
            "snapshotId": self.snapshot, "deliveryType": "DOWNLOAD", "status": "COMPLETED",
            "restoreScheduledDate": TAKEN, "snapshotFinishedDate": TAKEN,
            "expirationDate": "2099-01-02T07:00:00Z",
            "snapshotUrl": format!("{}/store/{TOKEN}/snapshot.tgz", self.url),
        });
        if let (true, Some(fields)) = (self.job_fails, job.as_object_mut()) {
            fields.insert("status".to_owned(), "FAILED".into());
            fields.remove("snapshotUrl");
        }
        job
    }

    /// Returns the file or the requested range of it (RFC 9110 section 14).
    fn link(&self, request: &WireRequest, path: &str) -> Reply {
        // A signed link is refused with other credentials.
        if !path.contains(TOKEN) || request.header("authorization").is_some() {
            return Reply {
                headers: vec![("content-type", "application/xml".to_owned())],
                ..Reply::of(403, b"<Error><Code>AccessDenied</Code></Error>")
            };
        }
        let mut headers = vec![
            ("content-type", "application/gzip".to_owned()),
            ("etag", self.tag.clone()),
            ("accept-ranges", "bytes".to_owned()),
        ];
        let length = self.file.len();
        let unchanged = request.header("if-range").is_none_or(|tag| tag == self.tag);
        let range = request
            .header("range")
            .filter(|_| unchanged && request.method == "GET");
        let (mut status, mut part) = (200, 0..length);
        if let Some(Ok(parsed)) = range.map(parse_range_header) {
            match parsed.validate(length as u64).as_deref() {
                Ok([one]) => {
                    let (first, last) = (*one.start(), *one.end());
                    status = 206;
                    let of = format!("bytes {first}-{last}/{length}");
                    headers.push(("content-range", of));
                    let place = |at| usize::try_from(at).unwrap_or(length);
                    part = place(first)..place(last.saturating_add(1)).min(length);
                }
                // A request for several ranges may be answered with the complete file.
                Ok(_) => {}
                Err(_) => {
                    status = 416;
                    headers.push(("content-range", format!("bytes */{length}")));
                    part = 0..0;
                }
            }
        }
        Reply {
            status,
            headers,
            body: self.file.clone(),
            part,
            is_file: true,
        }
    }
}

impl Reply {
    fn of(status: u16, body: &[u8]) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            part: 0..body.len(),
            is_file: false,
        }
    }
}

fn list(item: &Value) -> Value {
    json!({"results": [item], "totalCount": 1, "links": []})
}

fn ok(body: &Value) -> Reply {
    let media_type = "application/vnd.atlas.2024-11-13+json;charset=utf-8";
    Reply {
        headers: vec![("content-type", media_type.to_owned())],
        ..Reply::of(200, body.to_string().as_bytes())
    }
}

fn refused(status: u16, code: Option<&str>) -> Reply {
    let mut body = BTreeMap::from([
        ("error", json!(status)),
        ("reason", json!(reason(status))),
        ("detail", json!("The request was refused.")),
    ]);
    if let Some(code) = code {
        body.insert("errorCode", json!(code));
    }
    Reply {
        headers: vec![("content-type", "application/json".to_owned())],
        ..Reply::of(status, json!(body).to_string().as_bytes())
    }
}

async fn send(
    stream: &mut TcpStream,
    reply: &Reply,
    head_only: bool,
    fault: Option<FaultAction>,
    shared: &Mutex<Shared>,
) -> io::Result<()> {
    let gone = || io::Error::from(io::ErrorKind::ConnectionAborted);
    let (mut stop, mut pace) = (usize::MAX, None);
    match &fault {
        Some(FaultAction::Reset) => return Err(gone()),
        Some(FaultAction::DelayMs(delay)) => {
            tokio::time::sleep(Duration::from_millis(*delay)).await;
        }
        Some(FaultAction::Truncate(bytes) | FaultAction::Stall(bytes)) => stop = *bytes,
        Some(FaultAction::Slow(bytes)) => pace = Some(*bytes),
        Some(FaultAction::Status { .. }) | None => {}
    }
    let body = &reply.body[reply.part.clone()];
    let mut head = format!("HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status));
    for (name, value) in &reply.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let _ = write!(head, "content-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await?;
    if head_only {
        return Ok(());
    }
    for piece in body[..body.len().min(stop)].chunks(PIECE) {
        stream.write_all(piece).await?;
        if reply.is_file {
            lock(shared).served += piece.len() as u64;
        }
        if let Some(pace) = pace {
            let micros = piece.len() as u64 * 1_000_000 / pace.max(1);
            tokio::time::sleep(Duration::from_micros(micros)).await;
        }
    }
    stream.flush().await?;
    match fault {
        Some(FaultAction::Stall(_)) => {
            let _ = lock(shared).stalled.send(true);
            std::future::pending().await
        }
        Some(FaultAction::Truncate(_)) => Err(gone()),
        _ => Ok(()),
    }
}

/// The time of the snapshot.
const TAKEN: &str = "2026-01-02T03:00:00Z";
/// The id of the restore job.
const JOB: &str = "65a1b2c3d4e5f60718293a4b";
/// The number of bytes per write.
const PIECE: usize = 1 << 16;
