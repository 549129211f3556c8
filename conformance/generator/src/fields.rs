//! Finds the fields that a response can have.

use atlas_catalog::{Operation, Schema};

/// Returns all fields of an object, including those of every variant of a discriminator or union.
pub(crate) fn fields(schema: &Schema) -> Vec<(&str, &Schema)> {
    let mut seen: Vec<&Schema> = Vec::new();
    let mut next = vec![schema.resolve()];
    while let Some(schema) = next.pop() {
        if seen.iter().any(|known| std::ptr::eq(*known, schema)) {
            continue;
        }
        seen.push(schema);
        let unions = schema
            .all_of
            .iter()
            .chain(&schema.one_of)
            .chain(&schema.any_of);
        next.extend(unions.map(Schema::resolve));
        if let Some(discriminator) = &schema.discriminator {
            next.extend(discriminator.mapping.values().map(|chosen| chosen.get()));
        }
    }
    let all = seen.iter().flat_map(|schema| &schema.properties);
    all.map(|(name, schema)| (name.as_str(), schema)).collect()
}

/// Returns the schema of an operation's JSON response in the newest version.
pub(crate) fn answer(operation: Operation) -> Option<&'static Schema> {
    operation.version(None)?.response_schema("json")
}

/// Returns the pointer to the first item of a response (a result of a list or an element of an
/// array), and its schema.
pub(crate) fn items(operation: Operation) -> Option<(&'static str, &'static Schema)> {
    let schema = answer(operation)?.resolve();
    if let Some(items) = schema.items.as_deref() {
        return Some(("/0", items));
    }
    let results = fields(schema)
        .into_iter()
        .find(|(name, _)| *name == "results");
    let items = results?.1.resolve().items.as_deref()?;
    Some(("/results/0", items))
}

/// Whether a JSON response has documented fields or items.
pub(crate) fn has_fields(operation: Operation) -> bool {
    let has = |schema: &Schema| !fields(schema).is_empty();
    items(operation).is_some() || answer(operation).is_some_and(has)
}

/// Whether a pointer leads to a documented field of an operation's response.
#[cfg(test)]
pub(crate) fn leads_somewhere(operation: Operation, pointer: &str) -> bool {
    let Some(mut schema) = answer(operation) else {
        return false;
    };
    for step in pointer.split('/').skip(1) {
        let next = match schema.resolve().items.as_deref() {
            Some(items) if step.parse::<usize>().is_ok() => Some(items),
            _ => fields(schema)
                .into_iter()
                .find(|(name, _)| *name == step)
                .map(|(_, field)| field),
        };
        let Some(next) = next else { return false };
        schema = next;
    }
    true
}

/// Returns the pointer to the value of a parameter in a response: a field with its name, or an id or
/// a name.
pub(crate) fn place_of(operation: Operation, parameter: &str) -> Option<String> {
    let (base, schema) = match items(operation) {
        Some(found) => found,
        None => ("", answer(operation)?),
    };
    let fields = fields(schema);
    let find = |wanted: &str| {
        let same = |name: &&str| name.eq_ignore_ascii_case(wanted);
        fields.iter().map(|(name, _)| *name).find(same)
    };
    let by_kind: &[&str] = match parameter {
        "id" => &["_id"],
        name if name.ends_with("Id") => &["id", "_id"],
        name if name.ends_with("Name") => &["name"],
        "name" => &["name"],
        _ => &[],
    };
    let found = find(parameter).or_else(|| by_kind.iter().find_map(|name| find(name)))?;
    Some(format!("{base}/{found}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(operation: &str, parameter: &str) -> Option<String> {
        place_of(Operation::find(operation).unwrap(), parameter)
    }

    #[test]
    fn a_parameter_is_found_by_name_or_as_an_id() {
        assert_eq!(
            place("createGroupCluster", "clusterName").as_deref(),
            Some("/name")
        );
        assert_eq!(
            place("listGroupAlerts", "alertId").as_deref(),
            Some("/results/0/id")
        );
        assert_eq!(
            place("createGroupClusterFtsIndex", "indexId").as_deref(),
            Some("/indexID")
        );
        assert_eq!(
            place("listGroupInvites", "invitationId").as_deref(),
            Some("/0/id")
        );
        assert_eq!(place("deleteGroup", "groupId"), None);
    }

    #[test]
    fn a_pointer_leads_through_objects_lists_and_unions() {
        let leads = |id, pointer| leads_somewhere(Operation::find(id).unwrap(), pointer);
        assert!(leads("createOrg", "/organization/id"));
        assert!(leads("listGroupAlerts", "/results/0/id"));
        assert!(!leads("listGroupAlerts", "/results/0/nope"));
        assert!(!leads("deleteGroup", "/id"));
    }
}
