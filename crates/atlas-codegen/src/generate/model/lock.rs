//! Assigns Rust names to types: those of the lock, or by rule for the others.

use std::collections::{BTreeMap, BTreeSet};

use super::case::pascal;
use super::plan::Item;
use super::schema::{Schemas, Shape};
use crate::names::Names;

/// Names that the crate or its generated modules already use.
pub(crate) const RESERVED: [&str; 70] = [
    "Answer",
    "ApiError",
    "ApiVersion",
    "BTreeMap",
    "Body",
    "Box",
    "Cause",
    "Clone",
    "ClusterId",
    "ClusterName",
    "CompactString",
    "Debug",
    "Default",
    "DeploymentItemName",
    "Deserialize",
    "Deserializer",
    "Deviation",
    "Display",
    "Empty",
    "Eq",
    "Err",
    "Error",
    "Format",
    "Formatter",
    "From",
    "Hash",
    "Id",
    "Into",
    "ItemsPerPage",
    "Iterator",
    "Json",
    "Link",
    "MapAccess",
    "Method",
    "NoBody",
    "None",
    "Object",
    "ObjectId",
    "Ok",
    "Operation",
    "OperationMeta",
    "Option",
    "OrgId",
    "Page",
    "PageNumber",
    "Paged",
    "PartialEq",
    "PolicyItemId",
    "ProjectId",
    "RequestWriter",
    "RestoreJobId",
    "Result",
    "Secret",
    "Self",
    "Send",
    "Serialize",
    "SerializeMap",
    "Serializer",
    "Sized",
    "SnapshotId",
    "SnapshotUrl",
    "Some",
    "String",
    "Sync",
    "Tagged",
    "Timestamp",
    "ToString",
    "Value",
    "Vec",
    "Version",
];

/// Words that have no meaning without the type they belong to.
const GENERIC: [&str; 20] = [
    "Action",
    "Frequency",
    "Format",
    "Kind",
    "Level",
    "Mode",
    "Name",
    "Operator",
    "Provider",
    "Reason",
    "Result",
    "Role",
    "Roles",
    "Source",
    "State",
    "Status",
    "Type",
    "Unit",
    "Units",
    "Value",
];

/// Returns the Rust name of each schema and place in `needs`.
pub(super) fn type_names(
    schemas: &Schemas,
    needs: &BTreeMap<String, Item>,
    locked: &Names,
    operations: &BTreeSet<String>,
) -> Result<BTreeMap<String, String>, String> {
    let mut names = BTreeMap::new();
    let mut owner: BTreeMap<String, (bool, String)> = BTreeMap::new();
    for key in needs.keys() {
        let Some(name) = locked.types.get(key) else {
            continue;
        };
        claim(&mut owner, name, is_enum(schemas, key), key)?;
        names.insert(key.clone(), name.clone());
    }
    let mut taken: BTreeSet<String> = locked.types.values().cloned().collect();
    taken.extend(operations.iter().cloned());
    taken.extend(RESERVED.iter().map(|name| (*name).to_owned()));

    let new: Vec<&String> = needs
        .keys()
        .filter(|key| !names.contains_key(*key))
        .collect();
    // Schemas first: types inside a schema are named after it.
    let (inner, outer): (Vec<_>, Vec<_>) =
        new.into_iter().partition(|key| key.contains(['.', ' ']));
    for key in outer {
        let name = free(
            &mut taken,
            [clean(key), plain(key), format!("{}Body", clean(key))],
        );
        names.insert(key.clone(), name);
    }
    let (enums, structs): (Vec<_>, Vec<_>) =
        inner.into_iter().partition(|key| is_enum(schemas, key));
    for key in structs {
        let name = free(
            &mut taken,
            [owned(key, &names), format!("{}Part", owned(key, &names))],
        );
        names.insert(key.clone(), name);
    }
    let mut groups: BTreeMap<(String, Vec<String>), Vec<&String>> = BTreeMap::new();
    for key in enums {
        let mut values = schemas.values_at(key);
        values.sort();
        groups.entry((field(key), values)).or_default().push(key);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, keys)| std::cmp::Reverse(keys.len()));
    for ((field, _), keys) in groups {
        let whole = owned(keys[0], &names);
        let short = keys.len() > 1 && !GENERIC.contains(&field.as_str());
        let first = if short { field.clone() } else { whole.clone() };
        let name = free(&mut taken, [first, whole.clone(), format!("{whole}Value")]);
        for key in keys {
            names.insert(key.clone(), name.clone());
        }
    }
    Ok(names)
}

fn claim(
    owner: &mut BTreeMap<String, (bool, String)>,
    name: &str,
    is_enum: bool,
    key: &str,
) -> Result<(), String> {
    match owner.get(name) {
        Some((known_enum, known)) if !(*known_enum && is_enum) => Err(format!(
            "the type {name} would be both {known} and {key}; give one of them another name"
        )),
        _ => {
            owner.insert(name.to_owned(), (is_enum, key.to_owned()));
            Ok(())
        }
    }
}

/// Takes the first free name, with a number appended if none is free.
fn free<const N: usize>(taken: &mut BTreeSet<String>, names: [String; N]) -> String {
    let last = names[N - 1].clone();
    let numbered = (2..).map(|number| format!("{last}{number}"));
    for name in names.into_iter().chain(numbered) {
        if taken.insert(name.clone()) {
            return name;
        }
    }
    last
}

fn is_enum(schemas: &Schemas, key: &str) -> bool {
    !schemas.values_at(key).is_empty()
}

/// Returns the name of a schema without dates and meaningless words.
fn clean(name: &str) -> String {
    let name = name.strip_suffix("_Atlas").unwrap_or(name);
    let dated = name.len() > 8
        && name.as_bytes()[name.len() - 8..]
            .iter()
            .all(u8::is_ascii_digit);
    let name = if dated { &name[..name.len() - 8] } else { name };
    let name = name.strip_suffix("View").unwrap_or(name);
    let rest = ["ApiAtlas", "Api"].iter().find_map(|prefix| {
        name.strip_prefix(prefix)
            .filter(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
    });
    let name = rest.unwrap_or(name);
    let name = name
        .replace("ViewFor", "For")
        .replace("ForNdsGroup", "ForProject")
        .replace("ViewManual", "");
    if name == "Group" {
        return "Project".to_owned();
    }
    pascal(&name)
}

fn plain(name: &str) -> String {
    pascal(name)
}

/// Returns the last field of a place.
fn field(place: &str) -> String {
    let last = place.rsplit(['.', ' ']).next().unwrap_or(place);
    let name = pascal(last.trim_end_matches(['[', ']', '{', '}']));
    if place.ends_with("[]") {
        singular(&name)
    } else {
        name
    }
}

fn singular(name: &str) -> String {
    match name.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None if name.ends_with("ss") || name.ends_with("us") => name.to_owned(),
        None => name.strip_suffix('s').unwrap_or(name).to_owned(),
    }
}

/// Returns the name of the owner of a place, and of the place.
fn owned(place: &str, names: &BTreeMap<String, String>) -> String {
    let split = place.rfind(['.', ' ']).unwrap_or(0);
    let owner = &place[..split];
    let owner = if owner.contains(' ') {
        // A parameter: the last words of its path name its resource.
        let mut words = owner.split(['/', '{', '}', ':', ' ']);
        words
            .rfind(|word| !word.is_empty())
            .map(pascal)
            .unwrap_or_default()
    } else {
        names.get(owner).cloned().unwrap_or_else(|| clean(owner))
    };
    format!("{owner}{}", field(place))
}

impl Schemas {
    /// Returns the values of the enum at a place or with this name.
    pub(super) fn values_at(&self, key: &str) -> Vec<String> {
        if let Some(values) = self.enums.borrow().get(key) {
            return values.clone();
        }
        match &*self.shape(key) {
            Shape::Enum(values) => values.clone(),
            _ => Vec::new(),
        }
    }
}
