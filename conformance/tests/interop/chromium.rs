//! Tests of the sandbox's page in a headless Chromium, driven by chromedriver.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use atlas_model::flex_snapshots::{DownloadFlexBackup, FlexBackupSnapshotDownloadCreate};
use atlas_sandbox::{FLEX_CLUSTER, OWNER, PROJECT, Sandbox, SandboxServer};
use atlas_transport::Credentials;
use bytes::Bytes;
use fantoccini::{Client as Browser, ClientBuilder, Locator};
use http_body_util::Full;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::client;
use super::program::{Program, is_installed, runs};

/// Starts a chromedriver.
fn driver() -> Option<Program> {
    let there = runs(Command::new("chromedriver").arg("--version"))
        && runs(Command::new("chromium").arg("--version"));
    if !is_installed(
        there,
        "Chromium",
        "apt-get install chromium chromium-driver",
    ) {
        return None;
    }
    let mut command = Command::new("chromedriver");
    command.arg("--port=0").stdout(Stdio::piped());
    Some(Program::start_printing_port_after(
        &mut command,
        "started successfully on port ",
    ))
}

async fn browser(driver: &Program) -> Browser {
    let options = json!({
        "goog:chromeOptions": {
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        },
    });
    let serde_json::Value::Object(options) = options else {
        unreachable!("an object")
    };
    ClientBuilder::new(HttpConnector::new())
        .capabilities(options)
        .connect(&driver.url)
        .await
        .unwrap()
}

/// Waits until the page, which updates itself, shows a job with this status.
async fn shows(browser: &Browser, status: &str) -> String {
    let path = format!("//td[contains(., 'download')]/b[. = '{status}']");
    let seen = browser.wait().for_element(Locator::XPath(&path)).await;
    seen.unwrap().text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_the_world_and_follows_a_job_to_its_end() {
    let Some(driver) = driver() else { return };
    let mut sandbox = Sandbox::new();
    sandbox.set_download_delay(SignedDuration::from_secs(100));
    sandbox.add_project(
        "32b6e34b3d91647abb20e7c0".parse().unwrap(),
        "<b>Shop</b> & Co",
    );
    let seconds = Arc::new(AtomicI64::new(1_780_000_000));
    let clock = seconds.clone();
    let server = SandboxServer::builder(sandbox)
        .clock(move || Timestamp::from_second(clock.load(Ordering::SeqCst)).unwrap())
        .start()
        .await
        .unwrap();
    let (project, cluster) = (PROJECT.parse().unwrap(), FLEX_CLUSTER.parse().unwrap());
    let snapshot = server.with(|sandbox| sandbox.snapshots(project, &cluster))[0];

    let browser = browser(&driver).await;
    browser.goto(server.url()).await.unwrap();
    assert_eq!(browser.title().await.unwrap(), "Atlas sandbox");
    let page = browser.find(Locator::Css("main")).await.unwrap();
    let text = page.text().await.unwrap();
    for shown in [
        "Organization Sandbox",
        "Project <b>Shop</b> & Co",
        FLEX_CLUSTER,
        "sharded (2)",
        "IDLE",
        &snapshot.to_string(),
    ] {
        assert!(text.contains(shown), "{shown} in {text}");
    }

    // The test never reloads the page.
    let client = client(server.url(), &Credentials::bearer(OWNER.access_token));
    let body = FlexBackupSnapshotDownloadCreate::new(snapshot);
    let asked = DownloadFlexBackup::new(project, cluster, body);
    client.send(&asked).await.unwrap();
    for (status, after) in [("PENDING", 20), ("QUEUED", 30), ("RUNNING", 50)] {
        assert_eq!(shows(&browser, status).await, status);
        seconds.fetch_add(after, Ordering::SeqCst);
    }
    assert_eq!(shows(&browser, "COMPLETED").await, "COMPLETED");

    // The last requests, with the fault of one of them, and an escaped target.
    let plan = r#"[{"path": "/sandbox-store/", "do": {"status": {"status": 503}}}]"#;
    set_faults(server.url(), plan).await;
    let target = format!("{}/sandbox-store/x.tgz?signature=s3cret&<i>", server.url());
    request(&target).await;
    let rows = "//table[@id='requests']//tr[contains(., 'downloadGroupFlexClusterBackup')]";
    let row = browser.find(Locator::XPath(rows)).await.unwrap();
    assert!(row.text().await.unwrap().contains("POST"));
    let faulty = "//table[@id='requests']//tr[contains(., 'rule 1') and contains(., '503')]";
    let seen = browser.wait().for_element(Locator::XPath(faulty)).await;
    let text = seen.unwrap().text().await.unwrap();
    assert!(text.contains("x.tgz") && !text.contains("s3cret"), "{text}");
    browser.close().await.unwrap();
}

/// Sets a fault plan over HTTP.
async fn set_faults(url: &str, plan: &'static str) {
    let request = http::Request::put(format!("{url}/sandbox/faults"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from_static(plan.as_bytes())))
        .unwrap();
    assert_eq!(http().request(request).await.unwrap().status(), 204);
}

/// Sends a request and ignores the response.
async fn request(url: &str) {
    let url = url.replace('<', "%3C").replace('>', "%3E");
    http().get(url.parse().unwrap()).await.unwrap();
}

fn http() -> hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>> {
    hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http()
}
