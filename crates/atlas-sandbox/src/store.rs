//! The resource store of a world: JSON by path, with scheduled changes.

use std::collections::BTreeMap;
use std::ops::Bound;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

/// The maximum number of resources of a world.
pub(crate) const MAX_RESOURCES: usize = 200_000;

/// One resource.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    /// The written and generated fields, without links.
    pub(crate) body: Value,
    pub(crate) created: Timestamp,
    /// The position in the order of creation.
    born: u64,
}

/// A scheduled change of a resource.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// Merges these fields; null removes a field.
    Merge(Value),
    /// Deletes the resource and everything below it.
    Remove,
}

/// Resources by path. Deleting one deletes everything below it.
#[derive(Debug, Default)]
pub(crate) struct Store {
    resources: BTreeMap<String, Resource>,
    due: BTreeMap<(Timestamp, u64), (String, u64, Change)>,
    counted: u64,
    /// The number of changes that remained after the last cleanup.
    kept: usize,
}

/// The key of a path, from its decoded segments: the path in a URL.
pub(crate) fn key<'a>(segments: impl IntoIterator<Item = &'a str>) -> String {
    let mut key = String::new();
    for segment in segments {
        key.push('/');
        push_segment(&mut key, segment);
    }
    key
}

/// The key of a child.
pub(crate) fn below(parent: &str, segment: &str) -> String {
    let mut key = String::with_capacity(parent.len() + segment.len() + 1);
    key.push_str(parent);
    key.push('/');
    push_segment(&mut key, segment);
    key
}

fn push_segment(key: &mut String, segment: &str) {
    key.extend(utf8_percent_encode(segment, ESCAPED));
}

/// The characters to escape in a segment: all but those of `pchar` (RFC 3986 section 3.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// The last segment of a key, decoded.
pub(crate) fn last(key: &str) -> String {
    let segment = key.rsplit('/').next().unwrap_or_default();
    percent_encoding::percent_decode_str(segment)
        .decode_utf8_lossy()
        .into_owned()
}

impl Store {
    pub(crate) fn get(&self, key: &str) -> Option<&Resource> {
        self.resources.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Resource> {
        self.resources.get_mut(key)
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.resources.contains_key(key)
    }

    pub(crate) fn len(&self) -> usize {
        self.resources.len()
    }

    /// Inserts a resource, or replaces an existing one. Scheduled changes of the replaced one are
    /// dropped.
    pub(crate) fn insert(&mut self, key: String, body: Value, now: Timestamp) {
        self.counted += 1;
        let resource = Resource {
            body,
            created: now,
            born: self.counted,
        };
        self.resources.insert(key, resource);
    }

    /// Changes fields of a resource; null removes a field.
    pub(crate) fn merge(&mut self, key: &str, fields: &Value) {
        if let Some(resource) = self.resources.get_mut(key) {
            merge(&mut resource.body, fields);
        }
    }

    /// Deletes a resource and everything below it.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Resource> {
        let first = format!("{key}/");
        let below: Vec<String> = self
            .resources
            .range::<str, _>((Bound::Excluded(first.as_str()), Bound::Unbounded))
            .take_while(|(below, _)| below.starts_with(&first))
            .map(|(below, _)| below.clone())
            .collect();
        for below in below {
            self.resources.remove(&below);
        }
        self.resources.remove(key)
    }

    /// Moves everything below a key to below another, with its scheduled changes.
    pub(crate) fn move_below(&mut self, from: &str, to: &str) {
        let prefix = format!("{from}/");
        let moved: Vec<String> = self
            .resources
            .range::<str, _>((Bound::Excluded(prefix.as_str()), Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(&prefix))
            .map(|(key, _)| key.clone())
            .collect();
        for key in moved {
            if let (Some(rest), Some(resource)) =
                (key.strip_prefix(from), self.resources.remove(&key))
            {
                self.resources.insert(format!("{to}{rest}"), resource);
            }
        }
        for (key, _, _) in self.due.values_mut() {
            if let Some(rest) = key.strip_prefix(&prefix) {
                *key = format!("{to}/{rest}");
            }
        }
    }

    /// Schedules a change of a resource. It is dropped if another resource replaces this one
    /// before.
    pub(crate) fn schedule(&mut self, at: Timestamp, key: &str, change: Change) {
        let Some(resource) = self.resources.get(key) else {
            return;
        };
        self.counted += 1;
        let entry = (key.to_owned(), resource.born, change);
        self.due.insert((at, self.counted), entry);
        self.forget_if_many();
    }

    /// Drops the changes of resources that no longer exist, once there may be many.
    fn forget_if_many(&mut self) {
        // At least twice the remainder of the last cleanup, so that the amortized cost is low.
        let expected = self.resources.len().saturating_mul(8).max(2 * self.kept);
        if self.due.len() > expected.saturating_add(1000) {
            let resources = &self.resources;
            let lives = |key: &str, born: u64| resources.get(key).is_some_and(|it| it.born == born);
            self.due.retain(|_, (key, born, _)| lives(key, *born));
            self.kept = self.due.len();
        }
    }

    /// Drops the scheduled changes of a resource.
    pub(crate) fn unschedule(&mut self, key: &str) {
        self.due.retain(|_, (about, _, _)| about != key);
    }

    /// Applies the changes that are due.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        while let Some(next) = self.due.first_entry() {
            if next.key().0 > now {
                break;
            }
            let (key, born, change) = next.remove();
            if self.resources.get(&key).is_none_or(|it| it.born != born) {
                continue;
            }
            match change {
                Change::Merge(fields) => self.merge(&key, &fields),
                Change::Remove => drop(self.remove(&key)),
            }
        }
    }

    /// The resources directly below a key, in the order of their creation.
    pub(crate) fn children(&self, parent: &str) -> Vec<(&str, &Resource)> {
        let prefix = format!("{parent}/");
        let mut found = Vec::new();
        let mut from = Bound::Excluded(prefix.clone());
        loop {
            let range = (from.as_ref().map(String::as_str), Bound::Unbounded);
            let Some((key, resource)) = self.resources.range::<str, _>(range).next() else {
                break;
            };
            let Some(rest) = key.strip_prefix(&prefix) else {
                break;
            };
            from = if let Some((child, _)) = rest.split_once('/') {
                // `0` follows `/`: skips everything below this child.
                Bound::Included(format!("{prefix}{child}0"))
            } else {
                found.push((key.as_str(), resource));
                Bound::Excluded(key.clone())
            };
        }
        found.sort_by_key(|(_, resource)| resource.born);
        found
    }

    /// The resources anywhere below a key, by key.
    pub(crate) fn below(&self, parent: &str) -> impl Iterator<Item = (&str, &Resource)> {
        let first = format!("{parent}/");
        let from = (Bound::Excluded(first.as_str()), Bound::Unbounded);
        self.resources
            .range::<str, _>(from)
            .take_while(move |(key, _)| key.starts_with(&first))
            .map(|(key, it)| (key.as_str(), it))
    }

    /// Every key and resource, by key.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Resource)> {
        self.resources.iter().map(|(key, it)| (key.as_str(), it))
    }

    /// The scheduled changes, the next first.
    pub(crate) fn scheduled(&self) -> impl Iterator<Item = (Timestamp, &str, &Change)> {
        self.due
            .iter()
            .map(|((at, _), (key, _, change))| (*at, key.as_str(), change))
    }
}

impl Resource {
    /// The position in the order of creation.
    pub(crate) fn born(&self) -> u64 {
        self.born
    }

    /// A field, if the resource is an object that has it.
    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        self.body.get(name)
    }

    /// A field that holds text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name)?.as_str()
    }
}

/// Merges fields into an object; null removes a field. A value that is not an object is replaced.
pub(crate) fn merge(body: &mut Value, fields: &Value) {
    let (Value::Object(body), Value::Object(fields)) = (&mut *body, fields) else {
        body.clone_from(fields);
        return;
    };
    for (name, value) in fields {
        if value.is_null() {
            body.remove(name);
        } else {
            body.insert(name.clone(), value.clone());
        }
    }
}

/// The object of a body, or an empty one.
pub(crate) fn object(body: &Value) -> Map<String, Value> {
    body.as_object().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Change, Store, below, key, last};
    use jiff::Timestamp;
    use serde_json::{Value, json};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn store(keys: &[&str]) -> Store {
        let mut store = Store::default();
        for key in keys {
            store.insert((*key).to_owned(), json!({}), at(0));
        }
        store
    }

    fn children(store: &Store, parent: &str) -> Vec<String> {
        let found = store.children(parent).into_iter();
        found.map(|(key, _)| key.to_owned()).collect()
    }

    #[test]
    fn children_are_those_directly_below_in_the_order_of_creation() {
        let store = store(&[
            "/a/2", "/a/1", "/a/1/x/y", "/a/1-b", "/a/3/x", "/ab/1", "/a",
        ]);
        assert_eq!(children(&store, "/a"), ["/a/2", "/a/1", "/a/1-b"]);
        assert_eq!(children(&store, "/a/3"), ["/a/3/x"]);
        assert_eq!(children(&store, "/b"), Vec::<String>::new());
    }

    #[test]
    fn removal_includes_children_and_no_siblings() {
        let mut store = store(&["/a/1", "/a/1/x", "/a/1/x/y", "/a/10", "/a/1-b"]);
        assert!(store.remove("/a/1").is_some());
        let left: Vec<_> = store.all().map(|(key, _)| key.to_owned()).collect();
        assert_eq!(left, ["/a/1-b", "/a/10"]);
    }

    #[test]
    fn moved_resources_keep_their_scheduled_changes() {
        let mut store = store(&["/a/1", "/a/1/x", "/a/10/x", "/b/1"]);
        store.schedule(at(5), "/a/1/x", Change::Merge(json!({"ready": true})));
        store.move_below("/a/1", "/b/1");
        store.settle(at(5));
        let left: Vec<_> = store.all().map(|(key, _)| key.to_owned()).collect();
        assert_eq!(left, ["/a/1", "/a/10/x", "/b/1", "/b/1/x"]);
        let ready = store.get("/b/1/x").unwrap().field("ready");
        assert_eq!(ready, Some(&Value::Bool(true)));
    }

    #[test]
    fn two_paths_never_have_one_key() {
        assert_ne!(key(["a", "b/c"]), key(["a", "b", "c"]));
        assert_ne!(key(["a%2Fb"]), key(["a/b"]));
        assert_eq!(last(&below("/a", "10.0.0.0/8 é%")), "10.0.0.0/8 é%");
    }

    #[test]
    fn a_key_is_the_path_in_a_url() {
        assert_eq!(
            key(["users", "a b?#@:é-._~"]),
            "/users/a%20b%3F%23@:%C3%A9-._~"
        );
    }

    #[test]
    fn changes_of_removed_resources_do_not_accumulate() {
        let mut store = store(&[]);
        for _ in 0..5000 {
            store.insert("/a".to_owned(), json!({}), at(0));
            store.schedule(at(5), "/a", Change::Remove);
            store.remove("/a");
        }
        assert!(store.scheduled().count() < 2000);
    }

    #[test]
    fn due_changes_apply_once_and_to_no_later_resource() {
        let mut store = store(&["/a", "/b"]);
        store.schedule(at(5), "/a", Change::Merge(json!({"state": "IDLE"})));
        store.schedule(at(5), "/b", Change::Remove);
        store.insert("/b".to_owned(), json!({"new": true}), at(1));
        store.settle(at(4));
        assert_eq!(store.get("/a").unwrap().field("state"), None);
        store.settle(at(5));
        assert_eq!(store.get("/a").unwrap().text("state"), Some("IDLE"));
        assert_eq!(
            store.get("/b").unwrap().field("new"),
            Some(&Value::Bool(true))
        );
        assert_eq!(store.scheduled().count(), 0);
    }
}
