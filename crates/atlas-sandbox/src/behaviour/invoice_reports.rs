//! Invoice reports, which become ready after some time.

use atlas_model::ApiError;
use jiff::SignedDuration;
use serde_json::json;

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::generic::absent;
use crate::behaviour::billing::table;
use crate::behaviour::{Behaviour, documented};
use crate::gzip;
use crate::store::{self, Change, below};
use crate::time::later;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("createOrgInvoiceReport", create),
    documented("generateOrgInvoiceAndDownloadReport", generate),
    documented("getOrgInvoiceReport", get),
    documented("listOrgInvoiceReports", list),
];

/// The time for which a report can be downloaded.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.find_invoice(call)?;
    let id = sandbox.new_hex_id();
    let key = below(&call.whole_key(), &id);
    let kind = |name: &str, or: &str| call.text(name).unwrap_or(or).to_owned();
    let mut body = json!({
        "expiresAt": later(call.now, LIFETIME).to_string(),
        "invoiceId": call.path("invoiceId"),
        "reportFormat": kind("reportFormat", "CSV"),
        "reportId": id,
        "reportType": kind("reportType", "FOCUS"),
        "state": "PENDING",
    });
    if let Some(version) = call.body.get("formatSpecVersion") {
        body["formatSpecVersion"] = version.clone();
    }
    sandbox.write(&key, body, call)?;
    sandbox.writes += 1;
    let at = later(call.now, sandbox.provisioning_time);
    let org = call.path("orgId");
    let invoice = call.path("invoiceId");
    let csv = store::key(["orgs", org, "invoices", invoice, "csv"]);
    let url = call.target.resource(&csv);
    let done = Change::Merge(json!({"downloadUrl": url, "state": "SUCCEEDED"}));
    sandbox.store.schedule(at, &key, done);
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.find_invoice(call)?;
    let all = sandbox.store.children(&call.whole_key()).into_iter();
    Ok(Answer::list(all.map(|(_, it)| it.body.clone()).collect()).unshaped())
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.find_invoice(call)?;
    let key = call.whole_key();
    if sandbox.store.contains(&key) {
        Ok(Answer::exactly(sandbox.body(&key)))
    } else {
        Err(absent(&key))
    }
}

/// Returns a report as a file at once.
fn generate(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let invoice = sandbox.find_invoice(call)?;
    let text = table(&invoice["lineItems"]);
    Ok(if call.format == "gzip" {
        Answer::bytes(gzip::of(text.as_bytes()))
    } else {
        Answer::bytes(text)
    })
}
