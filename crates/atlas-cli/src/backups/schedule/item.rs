//! Items of the policies of a schedule, as `--policy` names them.

use serde_json::{Value, json};

use crate::args::parsed;
use crate::failure::Failure;

/// An item of a policy as `--policy` names it.
#[derive(Debug, Clone)]
pub(super) struct Item {
    policy: String,
    id: String,
    value: Value,
}

impl Item {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        let [policy, id, frequency, interval, unit, retention] = parts.as_slice() else {
            return Err(
                "expected policyId,policyItemId,frequencyType,frequencyInterval,retentionUnit,\
                 retentionValue"
                    .to_owned(),
            );
        };
        for id in [policy, id] {
            if parsed::<atlas_model::ObjectId>("id", id).is_err() {
                return Err(format!("invalid id {id:?}: expected 24 hexadecimal digits"));
            }
        }
        one_of("frequency type", frequency, &FREQUENCIES)?;
        one_of("retention unit", unit, &UNITS)?;
        let interval: u8 = interval
            .parse()
            .ok()
            .filter(|interval| matches!(interval, 1..=28 | 40))
            .ok_or("expected a frequency interval of 1 to 28, or 40")?;
        let retention: u32 = retention
            .parse()
            .ok()
            .filter(|retention| *retention > 0)
            .ok_or("expected a retention of 1 or more")?;
        let value = json!({
            "id": id,
            "frequencyType": frequency,
            "frequencyInterval": interval,
            "retentionUnit": unit,
            "retentionValue": retention,
        });
        Ok(Self {
            policy: (*policy).to_owned(),
            id: (*id).to_owned(),
            value,
        })
    }
}

const FREQUENCIES: [&str; 6] = ["hourly", "daily", "weekly", "monthly", "yearly", "ondemand"];
const UNITS: [&str; 4] = ["days", "weeks", "months", "years"];

fn one_of(what: &str, value: &str, values: &[&str]) -> Result<(), String> {
    if values.contains(&value) {
        return Ok(());
    }
    let values = values.join(", ");
    Err(format!(
        "invalid {what} {value:?}: expected one of {values}"
    ))
}

/// The policies of a schedule with some of their items replaced.
pub(super) fn replaced(schedule: &Value, items: &[Item]) -> Result<Value, Failure> {
    let mut policies = schedule["policies"].clone();
    for item in items {
        let mut all = policies.as_array_mut().into_iter().flatten();
        let Some(policy) = all.find(|policy| policy["id"] == item.policy.as_str()) else {
            let id = &item.policy;
            let problem = format!("the schedule has no policy {id}; see schedule describe");
            return Err(Failure::Usage(problem));
        };
        let mut all = policy["policyItems"].as_array_mut().into_iter().flatten();
        let Some(found) = all.find(|found| found["id"] == item.id.as_str()) else {
            let (id, policy) = (&item.id, &item.policy);
            let problem = format!("policy {policy} has no item {id}; see schedule describe");
            return Err(Failure::Usage(problem));
        };
        *found = item.value.clone();
    }
    Ok(policies)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "5f4007f327a3bd7b6f4103c5";
    const B: &str = "5f4007f327a3bd7b6f4103c6";

    #[test]
    fn an_invalid_item_is_refused_with_the_expected_form() {
        for (text, expected) in [
            (format!("{A},{B},daily,1,days"), "expected policyId"),
            (format!("{A},x,daily,1,days,7"), "invalid id \"x\""),
            (format!("{A},{B},never,1,days,7"), "invalid frequency type"),
            (format!("{A},{B},daily,29,days,7"), "1 to 28, or 40"),
            (format!("{A},{B},daily,1,hours,7"), "invalid retention unit"),
            (format!("{A},{B},daily,1,days,0"), "1 or more"),
        ] {
            let problem = Item::parse(&text).unwrap_err();
            assert!(problem.contains(expected), "{text}: {problem}");
        }
    }

    #[test]
    fn only_the_item_that_is_named_is_replaced() {
        let other = json!({"id": A, "frequencyType": "weekly"});
        let schedule = json!({"policies": [{"id": A, "policyItems": [other, {"id": B}]}]});
        let item = Item::parse(&format!("{A},{B},daily,1,days,7")).unwrap();
        let policies = replaced(&schedule, std::slice::from_ref(&item)).unwrap();
        assert_eq!(policies[0]["policyItems"][0], other);
        assert_eq!(policies[0]["policyItems"][1], item.value);
        let elsewhere = Item::parse(&format!("{B},{B},daily,1,days,7")).unwrap();
        assert!(replaced(&schedule, &[elsewhere]).is_err());
    }
}
