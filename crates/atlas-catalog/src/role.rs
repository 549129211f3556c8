//! Roles, and which roles include others.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use crate::overrides::OVERRIDES;

/// A role by its documented name, such as `Project Owner`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role<'a>(pub &'a str);

impl Role<'_> {
    /// Whether this role has all permissions of `other`: it is the same role, or includes it
    /// directly or through others.
    ///
    /// Documented roles are minima. The documentation has no single list of included roles; the
    /// table and the reason for each row are in `fixtures/api/overrides.json`.
    pub fn includes(self, other: &str) -> bool {
        /// Each role with all roles that it includes.
        static INCLUDED: LazyLock<HashMap<&str, BTreeSet<&str>>> = LazyLock::new(|| {
            let roles = OVERRIDES.roles.keys().map(String::as_str);
            roles.map(|role| (role, included(role))).collect()
        });
        self.0 == other
            || INCLUDED
                .get(self.0)
                .is_some_and(|included| included.contains(other))
    }
}

/// The roles that a role includes, directly or through others.
fn included(role: &'static str) -> BTreeSet<&'static str> {
    let mut held = vec![role];
    let mut next = 0;
    while let Some(role) = held.get(next).copied() {
        next += 1;
        for included in OVERRIDES.roles.get(role).into_iter().flatten() {
            if !held.contains(&included.as_str()) {
                held.push(included);
            }
        }
    }
    held.into_iter().collect()
}
