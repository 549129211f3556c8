//! Measurements of processes, their databases and their disks.

use atlas_model::ApiError;
use jiff::{SignedDuration, Span, Timestamp};
use serde_json::{Value, json};

use crate::api::answer::{Answer, links_to_request};
use crate::api::call::Call;
use crate::api::refuse;
use crate::behaviour::processes::{Process, check_database, check_disk, named};
use crate::behaviour::{Behaviour, documented};
use crate::time::later;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("getGroupProcessDatabaseMeasurements", of_database),
    documented("getGroupProcessDiskMeasurements", of_disk),
    documented("getGroupProcessMeasurements", of_process),
];

/// The metrics of a process, a database and a disk unless a request chooses some.
const OF_PROCESS: [(&str, &str); 6] = [
    ("CONNECTIONS", "SCALAR"),
    ("MEMORY_RESIDENT", "BYTES"),
    ("NETWORK_BYTES_IN", "BYTES_PER_SECOND"),
    ("NETWORK_BYTES_OUT", "BYTES_PER_SECOND"),
    ("OPCOUNTER_QUERY", "SCALAR_PER_SECOND"),
    ("PROCESS_CPU_USER", "PERCENT"),
];
const OF_DATABASE: [(&str, &str); 4] = [
    ("DATABASE_COLLECTION_COUNT", "SCALAR"),
    ("DATABASE_DATA_SIZE", "BYTES"),
    ("DATABASE_INDEX_COUNT", "SCALAR"),
    ("DATABASE_OBJECT_COUNT", "SCALAR"),
];
const OF_DISK: [(&str, &str); 4] = [
    ("DISK_PARTITION_IOPS_READ", "SCALAR_PER_SECOND"),
    ("DISK_PARTITION_IOPS_WRITE", "SCALAR_PER_SECOND"),
    ("DISK_PARTITION_SPACE_FREE", "BYTES"),
    ("DISK_PARTITION_SPACE_USED", "BYTES"),
];

/// The maximum number of points of a measurement.
const POINTS: i64 = 1440;

fn of_process(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let process = named(sandbox, call)?;
    measured(call, &process, &OF_PROCESS).map(Answer::exactly)
}

fn of_database(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let process = named(sandbox, call)?;
    let name = check_database(call)?;
    let mut measured = measured(call, &process, &OF_DATABASE)?;
    measured["databaseName"] = name.into();
    Ok(Answer::exactly(measured))
}

fn of_disk(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let process = named(sandbox, call)?;
    let name = check_disk(call)?;
    let mut measured = measured(call, &process, &OF_DISK)?;
    measured["partitionName"] = name.into();
    Ok(Answer::exactly(measured))
}

fn duration(call: &Call<'_>, name: &str) -> Result<Option<SignedDuration>, ApiError> {
    let Some(text) = call.query(name) else {
        return Ok(None);
    };
    let refused = || {
        let problem = format!("invalid duration {text:?}: expected ISO 8601, such as PT1M");
        refuse::invalid(name, &problem)
    };
    let span: Span = text.parse().map_err(|_| refused())?;
    let hours = span.get_weeks().checked_mul(7).and_then(|weeks| {
        let days = i64::from(span.get_days()).checked_add(weeks.into())?;
        days.checked_mul(24)
    });
    let days = SignedDuration::from_hours(hours.unwrap_or(0));
    let rest = span.weeks(0).days(0);
    let rest = SignedDuration::try_from(rest).map_err(|_| refused())?;
    let whole = days.checked_add(rest).filter(SignedDuration::is_positive);
    whole.map(Some).ok_or_else(refused)
}

/// The measurements of a process that a request chooses, in its period and granularity.
fn measured(call: &Call<'_>, process: &Process, known: &[(&str, &str)]) -> Result<Value, ApiError> {
    let id = process.id();
    let mut measured = in_time(call, known, "m")?;
    measured["hostId"] = id.clone().into();
    measured["processId"] = id.into();
    Ok(measured)
}

/// The measurements between two times: all known ones, or those that a parameter names.
pub(crate) fn in_time(
    call: &Call<'_>,
    known: &[(&str, &str)],
    chooser: &str,
) -> Result<Value, ApiError> {
    let moment = |name: &str| {
        call.query(name)
            .and_then(|text| text.parse::<Timestamp>().ok())
    };
    let step = duration(call, "granularity")?.unwrap_or(SignedDuration::from_secs(60));
    let period = duration(call, "period")?.unwrap_or(SignedDuration::from_hours(1));
    let end = moment("end").unwrap_or(call.now);
    let start = moment("start").unwrap_or_else(|| later_than(end, -period));
    let seconds = step.as_secs().max(1);
    let count = (end.duration_since(start).as_secs() / seconds).clamp(0, POINTS);
    let chosen: Vec<&str> = call
        .query
        .iter()
        .filter(|(name, _)| name == chooser)
        .map(|(_, value)| value.as_str())
        .collect();
    let of = |name: &str, units: &str| {
        let points = (0..=count).map(|point| {
            let at = later(
                start,
                SignedDuration::from_secs(seconds.saturating_mul(point)),
            );
            // Values differ by measurement and vary over time.
            let phase = i64::try_from(name.len()).unwrap_or(0).saturating_mul(7);
            let value = (at.as_second() / seconds).saturating_add(phase) % 97;
            let value = f64::from(i32::try_from(value).unwrap_or(0).abs());
            json!({"timestamp": at.to_string(), "value": value})
        });
        json!({"dataPoints": points.collect::<Vec<_>>(), "name": name, "units": units})
    };
    let measurements: Vec<Value> = if chosen.is_empty() {
        known.iter().map(|(name, units)| of(name, units)).collect()
    } else {
        let chosen = chosen.into_iter().map(|name| {
            let units = known.iter().find(|(known, _)| *known == name);
            of(name, units.map_or("SCALAR", |(_, units)| units))
        });
        chosen.collect()
    };
    Ok(json!({
        "end": end.to_string(),
        "granularity": call.query("granularity").unwrap_or("PT1M"),
        "groupId": call.path("groupId"),
        "links": links_to_request(call),
        "measurements": measurements,
        "start": start.to_string(),
    }))
}

fn later_than(moment: Timestamp, time: SignedDuration) -> Timestamp {
    moment.checked_add(time).unwrap_or(Timestamp::MIN)
}
