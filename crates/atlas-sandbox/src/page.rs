//! The page at `/`: the current world and the last requests.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;

use crate::api::generic::kind_of;
use crate::backups::Backups;
use crate::find::{cluster_key, flex_key};
use crate::journal::RecordedRequest;
use crate::reply::{for_no_other_site, set};
use crate::store::last;
use crate::world::{ClusterKind, Sandbox};

/// The maximum number of entries of each list.
const MOST: usize = 50;
/// The number of snapshots and jobs of a cluster that are shown.
const FEW: usize = 8;
/// The number of requests that are shown.
pub(crate) const REQUESTS: usize = 20;

impl Sandbox {
    /// The page with organizations, projects, clusters, jobs and requests, which reloads itself.
    pub(crate) fn page(&self, now: Timestamp, requests: &[RecordedRequest]) -> Response<Bytes> {
        let mut page = String::from(HEAD);
        let now_shown = now.strftime("%F %T");
        let _ = write!(
            page,
            "<p>{} requests received. Sandbox time: {now_shown} UTC.</p>",
            self.requests
        );
        self.push_organizations(&mut page, now);
        push_requests(&mut page, requests);
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

    fn push_organizations(&self, page: &mut String, now: Timestamp) {
        let projects = self.store.children("/groups");
        let organizations = self.store.children("/orgs");
        for (key, organization) in organizations.iter().take(MOST) {
            let (id, name) = (last(key), organization.text("name").unwrap_or_default());
            let _ = write!(
                page,
                "<section><h2>Organization {} <code>{}</code></h2>",
                Text(name),
                Text(&id)
            );
            let of_it: Vec<_> = projects
                .iter()
                .filter(|(_, project)| project.text("orgId") == Some(&id))
                .collect();
            if of_it.is_empty() {
                page.push_str("<p>No projects.</p>");
            }
            for (key, project) in of_it.iter().take(MOST) {
                let name = project.text("name").unwrap_or_default();
                self.push_project(page, now, &last(key), name);
            }
            push_rest(page, of_it.len(), MOST, "projects");
            page.push_str("</section>");
        }
        push_rest(page, organizations.len(), MOST, "organizations");
    }

    fn push_project(&self, page: &mut String, now: Timestamp, id: &str, name: &str) {
        let _ = write!(
            page,
            "<h3>Project {} <code>{}</code></h3>",
            Text(name),
            Text(id)
        );
        let first = (id.to_owned(), String::new());
        let clusters = self.backups.range(first..).take_while(|(it, _)| it.0 == id);
        let clusters: Vec<_> = clusters.collect();
        if !clusters.is_empty() {
            page.push_str(
                "<table><tr><th>Cluster<th>Kind<th>State<th>Snapshots<th>Restore jobs</tr>",
            );
        }
        for ((_, name), backups) in clusters.iter().take(MOST) {
            let _ = write!(
                page,
                "<tr><td>{}<td>{}<td><b>{}</b><td>{}<td>{}</tr>",
                Text(name),
                kind(backups.kind),
                Text(&self.state(id, name)),
                snapshots(backups, now),
                jobs(backups, now)
            );
        }
        if !clusters.is_empty() {
            page.push_str("</table>");
        }
        push_rest(page, clusters.len(), MOST, "clusters");
        let others = self.other_resources(id);
        if !others.is_empty() {
            let _ = write!(
                page,
                "<p>Other resources: {}.</p>",
                Text(&others.join(", "))
            );
        }
    }

    /// The state of a cluster as text.
    fn state(&self, project: &str, name: &str) -> String {
        let keys = [flex_key(project, name), cluster_key(project, name)];
        let found = keys.iter().find_map(|key| self.store.get(key));
        let Some(cluster) = found else {
            return "deleted".to_owned();
        };
        let state = cluster.text("stateName").unwrap_or("IDLE");
        if cluster.field("paused").is_some_and(|paused| paused == true) {
            format!("{state}, paused")
        } else {
            state.to_owned()
        }
    }

    /// The other resources of a project: each kind with its number.
    fn other_resources(&self, project: &str) -> Vec<String> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for (key, _) in self.store.below(&crate::api::generic::project_key(project)) {
            let Some((collection, _)) = key.rsplit_once('/') else {
                continue;
            };
            let is_cluster = collection.ends_with("/clusters") && key.matches('/').count() == 4;
            if !is_cluster && !collection.ends_with("/flexClusters") {
                *counts.entry(kind_of(collection)).or_default() += 1;
            }
        }
        let counts = counts.into_iter().take(MOST);
        counts
            .map(|(kind, count)| format!("{kind} ({count})"))
            .collect()
    }
}

fn push_rest(page: &mut String, all: usize, shown: usize, what: &str) {
    if all > shown {
        let _ = write!(page, "<p>{} more {what}.</p>", all - shown);
    }
}

fn push_requests(page: &mut String, requests: &[RecordedRequest]) {
    page.push_str("<section><h2>Last requests</h2>");
    if requests.is_empty() {
        page.push_str("<p>None.</p></section>");
        return;
    }
    page.push_str(
        "<table id=requests><tr><th>Time<th>Request<th>Operation<th>Status<th>Fault</tr>",
    );
    for request in requests.iter().rev() {
        let target: String = request.target().chars().take(200).collect();
        let status = request.status().map(|status| status.as_u16().to_string());
        let fault = request.fault().map(|rule| format!("rule {rule}"));
        let _ = write!(
            page,
            "<tr><td>{}<td><code>{} {}</code><td>{}<td>{}<td>{}</tr>",
            request.at().strftime("%T"),
            Text(request.method().as_str()),
            Text(&target),
            request.operation().map_or("", atlas_catalog::Operation::id),
            status.as_deref().unwrap_or("none"),
            fault.as_deref().unwrap_or_default()
        );
    }
    page.push_str("</table></section>");
}

/// The kind of a cluster as text.
fn kind(kind: ClusterKind) -> String {
    match kind {
        ClusterKind::Tenant => "tenant".to_owned(),
        ClusterKind::Flex => "flex".to_owned(),
        ClusterKind::ReplicaSet => "dedicated".to_owned(),
        ClusterKind::Sharded { shards } => format!("sharded ({shards})"),
    }
}

fn snapshots(backups: &Backups, now: Timestamp) -> String {
    let snapshots = backups.newest_first();
    let shown = snapshots.iter().take(FEW).map(|(id, snapshot)| {
        let (day, size) = (snapshot.finished.strftime("%F %T"), snapshot.size);
        let progress = match snapshot.progress(now) {
            crate::backups::Progress::Queued => " <b>queued</b>",
            crate::backups::Progress::Running => " <b>inProgress</b>",
            crate::backups::Progress::Completed => "",
        };
        format!("<code>{id}</code> {day}, {size} bytes{progress}")
    });
    let mut shown: Vec<String> = shown.collect();
    if snapshots.len() > FEW {
        shown.push(format!("{} more", snapshots.len() - FEW));
    }
    shown.join("<br>")
}

fn jobs(backups: &Backups, now: Timestamp) -> String {
    let latest = backups.jobs.iter().rev().take(FEW);
    let shown = latest.map(|(id, job)| {
        let (what, status) = (job.what(), job.shown_status(now));
        format!("<code>{id}</code> {what} <b>{status}</b>")
    });
    let mut shown: Vec<String> = shown.collect();
    if backups.jobs.len() > FEW {
        shown.push(format!("{} more", backups.jobs.len() - FEW));
    }
    shown.join("<br>")
}

/// A text escaped for HTML.
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
                odd if is_unseen(odd) => f.write_char(char::REPLACEMENT_CHARACTER)?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// Whether a character is invisible but affects the rendering of others.
fn is_unseen(character: char) -> bool {
    let directions = matches!(
        character,
        '\u{61c}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
    );
    character.is_control() || directions
}

/// The page loads and runs nothing, and cannot be embedded.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

const HEAD: &str = "<!doctype html>\n<html lang=en><meta charset=utf-8>\
    <meta name=viewport content=\"width=device-width\">\
    <meta http-equiv=refresh content=2><title>Atlas sandbox</title><style>\
    :root{color-scheme:light dark}\
    body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem}\
    h2{margin:2rem 0 .5rem;border-bottom:2px solid #8884}h3{margin:1rem 0 .3rem}\
    table{border-collapse:collapse;width:100%}\
    th,td{text-align:left;vertical-align:top;border-bottom:1px solid #8884;padding:.3rem .8rem .3rem 0}\
    code{font-size:.85em;opacity:.75;overflow-wrap:anywhere}</style>\
    <main><h1>Atlas sandbox</h1>";

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn markup_and_invisible_characters_are_escaped() {
        let odd = "a\0\u{1b}[2J\u{85}\u{202e}b\u{2066}\u{200f}\n<\u{e9}>";
        let shown = Text(odd).to_string();
        let odd = '\u{fffd}';
        assert_eq!(
            shown,
            format!("a{odd}{odd}[2J{odd}{odd}b{odd}{odd}{odd}&lt;\u{e9}&gt;")
        );
    }
}
