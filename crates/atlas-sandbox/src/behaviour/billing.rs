//! Invoices: a paid one for the first month of the world, and a pending one for the current month.

use atlas_model::ApiError;
use jiff::civil::Date;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use crate::api::answer::{Answer, linked};
use crate::api::call::Call;
use crate::api::generic::org_key;
use crate::api::refuse;
use crate::behaviour::{Behaviour, documented};
use crate::store::{below, last};
use crate::world::{Sandbox, hex};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("createOrgBillingCostExplorerUsageProcess", ask_for_costs),
    documented("getOrgAssociatedInvoices", associated),
    documented("getOrgBillingCostExplorerUsage", costs),
    documented("getOrgInvoice", get),
    documented("getOrgInvoiceCsv", csv),
    documented("getSku", get_sku),
    documented("listOrgInvoicePending", pending),
    documented("listOrgInvoices", list),
    documented("listSkus", list_skus),
    documented("searchOrgInvoiceLineItems", search),
];

/// The month of the first invoice.
const FIRST_MONTH: (i16, i8) = (2026, 1);

/// The charged items: a name, a description, the price of a unit in cents, and the unit.
const SKUS: [(&str, &str, u32, &str); 3] = [
    (
        "ATLAS_AWS_INSTANCE_M10",
        "Servers of the size M10 at AWS",
        8,
        "server hours",
    ),
    (
        "ATLAS_FLEX_AWS_100_USAGE_HOURS",
        "Flex clusters at AWS",
        1,
        "usage hours",
    ),
    (
        "ATLAS_AWS_BACKUP_SNAPSHOT_STORAGE",
        "Storage of snapshots at AWS",
        14,
        "GB months",
    ),
];

/// The units of a cluster that are charged for a month.
const HOURS: u32 = 720;

/// The year and the month of the current day.
fn this_month(call: &Call<'_>) -> (i16, i8) {
    let today = call.now.strftime("%Y-%m-%d").to_string();
    today
        .parse::<Date>()
        .map_or(FIRST_MONTH, |today| (today.year(), today.month()))
}

/// The first and the last day of a month, in the format of an invoice.
fn bounds(year: i16, month: i8) -> (String, String) {
    let (next_year, next) = if month == 12 {
        (year + 1, 1)
    } else {
        (year, month + 1)
    };
    let day = |year: i16, month: i8| format!("{year:04}-{month:02}-01T00:00:00Z");
    (day(year, month), day(next_year, next))
}

impl Sandbox {
    /// The lines of each invoice of an organization: the costs of its clusters.
    fn line_items(&self, org: &str, year: i16, month: i8) -> Vec<Value> {
        let (start, end) = bounds(year, month);
        let mut items = Vec::new();
        for (key, project) in self.store.children("/groups") {
            if project.text("orgId") != Some(org) {
                continue;
            }
            for (kind, (sku, _, cents, unit)) in [("clusters", SKUS[0]), ("flexClusters", SKUS[1])]
            {
                for (cluster, _) in self.store.children(&format!("{key}/{kind}")) {
                    items.push(json!({
                        "cloudProvider": "AWS",
                        "clusterName": last(cluster),
                        "created": end,
                        "discountCents": 0,
                        "endDate": end,
                        "groupId": last(key),
                        "groupName": project.text("name").unwrap_or_default(),
                        "quantity": f64::from(HOURS),
                        "sku": sku,
                        "startDate": start,
                        "totalPriceCents": cents * HOURS,
                        "unit": unit,
                        "unitPriceDollars": f64::from(cents) / 100.0,
                    }));
                }
            }
        }
        items
    }

    /// The invoices of an organization, the newest first.
    fn invoices(&self, call: &Call<'_>) -> Vec<Value> {
        let org = call.path("orgId");
        let this = this_month(call);
        let mut invoices = Vec::new();
        if this > FIRST_MONTH {
            invoices.push(self.invoice(call, org, this, false));
        }
        invoices.push(self.invoice(call, org, FIRST_MONTH, this > FIRST_MONTH));
        invoices
    }

    fn invoice(&self, call: &Call<'_>, org: &str, (year, month): (i16, i8), paid: bool) -> Value {
        let (start, end) = bounds(year, month);
        let mut id = hex(&Md5::digest(format!("invoice {org} {year} {month}")));
        id.truncate(24);
        let items = self.line_items(org, year, month);
        let cents: u64 = items
            .iter()
            .filter_map(|it| it["totalPriceCents"].as_u64())
            .sum();
        let payments = if paid {
            json!([{
                "amountBilledCents": cents,
                "amountPaidCents": cents,
                "created": end,
                "currency": "USD",
                "id": id,
                "salesTaxCents": 0,
                "statusName": "PAID",
                "subtotalCents": cents,
                "updated": end,
            }])
        } else {
            json!([])
        };
        let body = json!({
            "amountBilledCents": cents,
            "amountPaidCents": if paid { cents } else { 0 },
            "created": start,
            "creditsCents": 0,
            "endDate": end,
            "id": id,
            "lineItems": items,
            "linkedInvoices": [],
            "orgId": org,
            "payments": payments,
            "refunds": [],
            "salesTaxCents": 0,
            "startDate": start,
            "startingBalanceCents": 0,
            "statusName": if paid { "PAID" } else { "PENDING" },
            "subtotalCents": cents,
            "updated": if paid { &end } else { &start },
        });
        let invoices = below(&org_key(org), "invoices");
        linked(call, &below(&invoices, &id), body)
    }

    /// The invoice that the path names.
    pub(crate) fn find_invoice(&self, call: &Call<'_>) -> Result<Value, ApiError> {
        check_org(self, call)?;
        let id = call.path("invoiceId");
        let mut invoices = self.invoices(call).into_iter();
        let found = invoices.find(|invoice| invoice["id"] == id);
        found.ok_or_else(|| refuse::missing("invoice", id))
    }
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    check_org(sandbox, call)?;
    let mut invoices = sandbox.invoices(call);
    let asked: Vec<&str> = call
        .query
        .iter()
        .filter(|(name, _)| name == "statusNames")
        .map(|(_, value)| value.as_str())
        .collect();
    let day = |name: &str| call.query(name).and_then(|it| it.parse::<Date>().ok());
    let (from, to) = (day("fromDate"), day("toDate"));
    invoices.retain(|invoice| {
        let text = |name: &str| invoice[name].as_str().unwrap_or_default();
        let end = text("endDate")
            .get(..10)
            .and_then(|it| it.parse::<Date>().ok());
        (asked.is_empty() || asked.contains(&text("statusName")))
            && from.is_none_or(|from| end.is_some_and(|end| end >= from))
            && to.is_none_or(|to| end.is_some_and(|end| end <= to))
    });
    if call.query("orderBy") == Some("asc") {
        invoices.reverse();
    }
    for invoice in &mut invoices {
        if let Value::Object(fields) = invoice {
            for name in ["lineItems", "payments", "refunds"] {
                fields.remove(name);
            }
        }
    }
    Ok(Answer::list(invoices).unshaped())
}

fn check_org(sandbox: &Sandbox, call: &Call<'_>) -> Result<(), ApiError> {
    let org = call.path("orgId");
    if sandbox.store.contains(&org_key(org)) {
        Ok(())
    } else {
        Err(refuse::missing("organization", org))
    }
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    Ok(Answer::exactly(sandbox.find_invoice(call)?))
}

fn pending(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    check_org(sandbox, call)?;
    let mut invoices = sandbox.invoices(call);
    invoices.retain(|invoice| invoice["statusName"] == "PENDING");
    Ok(Answer::list(invoices).unshaped())
}

/// The invoices of a month; the current one if the query has none.
fn associated(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    check_org(sandbox, call)?;
    let (this_year, this_month) = this_month(call);
    let number = |name: &str, or: i16| {
        let asked = call.query(name).and_then(|text| text.parse::<i16>().ok());
        asked.unwrap_or(or)
    };
    let year = number("year", this_year);
    let month = number("month", i16::from(this_month));
    let start = format!("{year:04}-{month:02}-");
    let mut invoices = sandbox.invoices(call);
    invoices.retain(|it| {
        it["startDate"]
            .as_str()
            .is_some_and(|it| it.starts_with(&start))
    });
    let invoices = invoices
        .iter()
        .map(|it| json!({"invoiceId": it["id"], "orgId": it["orgId"]}));
    Ok(Answer::exactly(json!({
        "associatedInvoices": invoices.collect::<Vec<_>>(),
        "month": month.to_string(),
        "year": year.to_string(),
    })))
}

fn csv(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let invoice = sandbox.find_invoice(call)?;
    Ok(Answer::bytes(table(&invoice["lineItems"])))
}

/// The lines of an invoice as CSV (RFC 4180).
pub(crate) fn table(items: &Value) -> String {
    let mut text = String::new();
    let heads = COLUMNS.map(|(head, _)| cell(&head.into()));
    text.push_str(&heads.join(","));
    text.push_str("\r\n");
    for item in items.as_array().into_iter().flatten() {
        let cells = COLUMNS.map(|(_, field)| cell(&item[field]));
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

/// The columns of an invoice, each with its field.
const COLUMNS: [(&str, &str); 10] = [
    ("Start Date", "startDate"),
    ("End Date", "endDate"),
    ("Project", "groupName"),
    ("Project ID", "groupId"),
    ("Cluster", "clusterName"),
    ("SKU", "sku"),
    ("Unit", "unit"),
    ("Quantity", "quantity"),
    ("Unit Price", "unitPriceDollars"),
    ("Amount Cents", "totalPriceCents"),
];

fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// The lines of an invoice, filtered by projects or clusters if the body has them.
fn search(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let invoice = sandbox.find_invoice(call)?;
    let projects = call.body["filters"]["groupIds"].as_array();
    let items = invoice["lineItems"].as_array().into_iter().flatten();
    let items = items.filter(|item| projects.is_none_or(|it| it.contains(&item["groupId"])));
    let items = items.map(|item| {
        let description = SKUS.iter().find(|(sku, ..)| item["sku"] == *sku);
        json!({
            "billDate": item["endDate"],
            "cloudProvider": item["cloudProvider"],
            "clusterName": item["clusterName"],
            "description": description.map_or("", |(_, text, ..)| text),
            "groupId": item["groupId"],
            "quantity": item["quantity"],
            "totalPriceCents": item["totalPriceCents"],
            "unitPriceDollars": item["unitPriceDollars"],
            "usageDate": item["startDate"],
        })
    });
    Ok(Answer::list(items.collect()).unshaped())
}

/// Accepts a cost query, whose result is available at once.
fn ask_for_costs(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    check_org(sandbox, call)?;
    let token = format!(
        "{}{}",
        sandbox.next_token("costs"),
        sandbox.next_token("costs")
    );
    let key = below(&call.whole_key(), &token);
    sandbox.write(&key, call.body.clone(), call)?;
    sandbox.writes += 1;
    Ok(Answer::exactly(json!({ "token": token })))
}

fn costs(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    check_org(sandbox, call)?;
    let org = call.path("orgId");
    if !sandbox.store.contains(&call.whole_key()) {
        return Err(refuse::missing("cost explorer token", call.path("token")));
    }
    let (year, month) = FIRST_MONTH;
    let items = sandbox.line_items(org, year, month);
    if call.format == "csv" {
        return Ok(Answer::bytes(table(&items.into())));
    }
    let details = items.into_iter().map(|item| {
        json!({
            "invoiceId": sandbox.invoice(call, org, FIRST_MONTH, true)["id"],
            "organizationId": org,
            "service": "Clusters",
            "usageAmount": item["totalPriceCents"].as_f64().unwrap_or(0.0) / 100.0,
            "usageDate": item["startDate"],
        })
    });
    Ok(Answer::exactly(
        json!({"usageDetails": details.collect::<Vec<_>>()}),
    ))
}

fn sku((id, description, ..): (&str, &str, u32, &str)) -> Value {
    json!({"description": description, "id": id})
}

fn list_skus(_: &mut Sandbox, _: &Call<'_>) -> Result<Answer, ApiError> {
    Ok(Answer::list(SKUS.into_iter().map(sku).collect()).unshaped())
}

fn get_sku(_: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let id = call.path("skuId");
    match SKUS.into_iter().find(|(known, ..)| *known == id) {
        Some(found) => Ok(Answer::exactly(sku(found))),
        None => Err(refuse::missing("SKU", id)),
    }
}
