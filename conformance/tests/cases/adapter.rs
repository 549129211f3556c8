//! The client of this workspace, as the suite sees it.

use std::fmt::Write as _;
use std::time::Duration;

use atlas_conformance::{Call, ClientCase, Conduct, Credentials, Outcome, ScriptedServer};
use atlas_model::{CallOptions, DownloadTenantSnapshot, Operation, RequestReader, ResponseError};
use atlas_transport::retry::RetryPolicy;
use atlas_transport::{Client, Error, ErrorKind};

/// Makes a case's call and says what was seen of it.
pub(crate) fn run(case: &ClientCase) -> Result<Conduct, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(exchange(case))
}

async fn exchange(case: &ClientCase) -> Result<Conduct, String> {
    let call = &case.call;
    let fixture = atlas_conformance::operation(&call.operation).map_err(|e| e.to_string())?;
    let server = ScriptedServer::start(&case.answers, &fixture)
        .await
        .map_err(|error| error.to_string())?;
    let client = client(call, &server.url);

    let meta = DownloadTenantSnapshot::META;
    let mut reader = RequestReader::new(meta).with_body(fixture.wire_body.clone().into_bytes());
    for parameter in meta.path_parameters {
        reader = reader.with_path(parameter.name, fixture.example(parameter.name).unwrap());
    }
    let operation = DownloadTenantSnapshot::decode(&reader).map_err(|e| e.to_string())?;
    let mut options = CallOptions::default();
    (options.envelope, options.pretty) = (call.envelope, call.pretty);

    let mut outcome = ok();
    let mut output = format!("{client:?}");
    for _ in 0..call.times {
        match client.send_with(&operation, &options).await {
            Ok(answer) => {
                outcome = ok();
                let _ = write!(output, "{answer:?}");
            }
            Err(error) => {
                outcome = ended(&error);
                let _ = write!(output, "{error} {error:?}");
            }
        }
    }
    Ok(Conduct {
        requests: server.requests(),
        outcome,
        output,
    })
}

fn client(call: &Call, url: &str) -> Client {
    let credentials = match &call.auth {
        Credentials::Digest { user, password } => {
            atlas_transport::Credentials::api_key(user, password)
        }
        Credentials::OAuth { id, secret } => {
            atlas_transport::Credentials::service_account(id, secret)
        }
        Credentials::Bearer { token } => atlas_transport::Credentials::bearer(token),
    };
    Client::builder(url.parse().unwrap(), &credentials)
        .read_timeout(Duration::from_secs(5))
        .retry(RetryPolicy::default().base_delay(Duration::from_millis(1)))
        .build()
        .unwrap()
}

fn ok() -> Outcome {
    Outcome {
        kind: "ok".to_owned(),
        status: None,
    }
}

/// An error in the suite's closed list.
fn ended(error: &Error) -> Outcome {
    let kind = match error.kind() {
        ErrorKind::Response(ResponseError::Api(_)) => "api_error",
        ErrorKind::Response(_) => "unreadable",
        ErrorKind::Challenge { .. } => "challenge",
        ErrorKind::NoToken(_) => "no_token",
        ErrorKind::Connect { .. } | ErrorKind::NotTaken { .. } => "connect",
        ErrorKind::Timeout { .. } => "timeout",
        ErrorKind::Interrupted { .. } => "interrupted",
        ErrorKind::Malformed { .. } => "malformed",
        ErrorKind::OutcomeUnknown { .. } => "outcome_unknown",
        ErrorKind::TooLarge { .. } => "too_large",
        ErrorKind::Encoding { .. } => "encoding",
        ErrorKind::Link { .. } | ErrorKind::LinkExpired { .. } => "link",
        _ => "unsendable",
    };
    Outcome {
        kind: kind.to_owned(),
        status: error.status().map(|status| status.as_u16()),
    }
}
