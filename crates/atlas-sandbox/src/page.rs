//! The page on `/`: what the world holds right now.

use std::fmt::Write as _;

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;

use crate::reply::{for_no_other_site, set};
use crate::world::{Cluster, ClusterKind, Sandbox};

impl Sandbox {
    /// A page with projects, clusters, snapshots and jobs, which renews itself.
    pub(crate) fn page(&self, now: Timestamp) -> Response<Bytes> {
        let mut page = String::from(HEAD);
        let _ = write!(
            page,
            "<p>{} requests so far. It is {now} here.</p>",
            self.requests
        );
        for (id, project) in &self.projects {
            let _ = write!(page, "<h2>{} <code>{id}</code></h2>", Text(&project.name));
            page.push_str("<table><tr><th>Cluster<th>Kind<th>Snapshots<th>Restore jobs</tr>");
            for (name, cluster) in &project.clusters {
                let _ = write!(
                    page,
                    "<tr><td>{name}<td>{}{}<td>{}<td>{}</tr>",
                    kind(cluster.kind),
                    if cluster.deleted { ", deleted" } else { "" },
                    snapshots(cluster),
                    jobs(cluster, now)
                );
            }
            page.push_str("</table>");
        }
        page.push_str("</main></html>\n");
        let mut response = Response::new(page.into());
        set(
            &mut response,
            CONTENT_TYPE.as_str(),
            "text/html;charset=utf-8",
        );
        set(&mut response, "content-security-policy", POLICY);
        set(&mut response, "x-frame-options", "DENY");
        set(&mut response, "referrer-policy", "no-referrer");
        for_no_other_site(&mut response);
        response
    }
}

/// A kind of cluster in one word.
pub(crate) fn kind(kind: ClusterKind) -> String {
    match kind {
        ClusterKind::Tenant => "tenant".to_owned(),
        ClusterKind::Flex => "flex".to_owned(),
        ClusterKind::ReplicaSet => "dedicated".to_owned(),
        ClusterKind::Sharded { shards } => format!("sharded ({shards})"),
    }
}

fn snapshots(cluster: &Cluster) -> String {
    let snapshots = cluster.newest_first();
    let shown = snapshots.iter().map(|(id, snapshot)| {
        let (day, size) = (snapshot.finished, snapshot.size);
        format!("<code>{id}</code> {day}, {size} bytes")
    });
    shown.collect::<Vec<_>>().join("<br>")
}

fn jobs(cluster: &Cluster, now: Timestamp) -> String {
    let shown = cluster.latest_jobs().into_iter().map(|(id, job)| {
        let (what, status) = (job.what(), job.shown_status(now));
        format!("<code>{id}</code> {what} <b>{status}</b>")
    });
    shown.collect::<Vec<_>>().join("<br>")
}

/// A text within HTML.
struct Text<'a>(&'a str);

impl std::fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// The page loads and runs nothing, and stands in no other page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

const HEAD: &str = "<!doctype html>\n<html lang=en><meta charset=utf-8>\
    <meta http-equiv=refresh content=2><title>Atlas sandbox</title><style>\
    body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}\
    table{border-collapse:collapse;width:100%}\
    th,td{text-align:left;vertical-align:top;border-bottom:1px solid #ccc;padding:.4rem .8rem .4rem 0}\
    code{font-size:.85em;color:#555}</style><main><h1>Atlas sandbox</h1>";
