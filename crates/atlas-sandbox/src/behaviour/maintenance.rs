//! Maintenance windows, and switches of a project.

use atlas_model::ApiError;
use serde_json::json;

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::behaviour::{Behaviour, documented, recorded};
use crate::store::{self, below};
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("deferGroupMaintenanceWindow", defer),
    recorded("getGroupMaintenanceWindow", get),
    recorded("resetGroupMaintenanceWindow", reset),
    documented("toggleGroupMaintenanceWindowAutoDefer", toggle_auto_defer),
    recorded("updateGroupMaintenanceWindow", update),
    documented("disableGroupManagedSlowMs", disable_slow_ms),
    documented("enableGroupManagedSlowMs", enable_slow_ms),
    documented("getGroupManagedSlowMs", get_slow_ms),
    documented("getGroupAwsCustomDns", Sandbox::generic),
    recorded("toggleGroupAwsCustomDns", Sandbox::generic),
];

/// The key of a project's maintenance window.
fn window_key(call: &Call<'_>) -> String {
    below(&call.key(2), "maintenanceWindow")
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let mut window = json!({
        "autoDeferOnceEnabled": false,
        "dayOfWeek": 1,
        "hourOfDay": 0,
        "numberOfDeferrals": 0,
        "startASAP": false,
        "timeZoneId": "Etc/UTC",
    });
    store::merge(&mut window, &sandbox.body(&window_key(call)));
    Ok(Answer::one(window))
}

/// Changes fields of the window.
fn change(
    sandbox: &mut Sandbox,
    call: &Call<'_>,
    fields: &serde_json::Value,
) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let key = window_key(call);
    let mut window = sandbox.body(&key);
    store::merge(&mut window, fields);
    sandbox.write(&key, window, call)?;
    sandbox.writes += 1;
    Ok(Answer::empty())
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    change(sandbox, call, &call.body)
}

/// Defers the next maintenance by a week.
fn defer(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let window = sandbox.body(&window_key(call));
    let before = window["numberOfDeferrals"].as_i64().unwrap_or(0);
    let fields = json!({"numberOfDeferrals": before.saturating_add(1).min(i64::from(i32::MAX))});
    change(sandbox, call, &fields)
}

/// Toggles the automatic deferral of maintenance.
fn toggle_auto_defer(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let window = sandbox.body(&window_key(call));
    let was_on = window["autoDeferOnceEnabled"] == true;
    change(sandbox, call, &json!({ "autoDeferOnceEnabled": !was_on }))
}

fn reset(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    sandbox.store.remove(&window_key(call));
    sandbox.writes += 1;
    Ok(Answer::empty())
}

/// Sets whether Atlas manages the threshold of slow operations.
fn set_slow_ms(sandbox: &mut Sandbox, call: &Call<'_>, on: bool) -> Result<Answer, ApiError> {
    sandbox.check_project(call.path("groupId"))?;
    let key = below(&call.key(2), "managedSlowMs");
    sandbox.write(&key, json!({ "enabled": on }), call)?;
    sandbox.writes += 1;
    Ok(Answer::empty())
}

fn enable_slow_ms(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    set_slow_ms(sandbox, call, true)
}

fn disable_slow_ms(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    set_slow_ms(sandbox, call, false)
}

fn get_slow_ms(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_project(call.path("groupId"))?;
    let key = below(&call.key(2), "managedSlowMs");
    // Enabled by default.
    Ok(Answer::exactly(sandbox.body(&key)["enabled"] != false))
}
