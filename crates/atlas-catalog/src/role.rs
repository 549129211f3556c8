//! Roles, and which of them includes which.

use crate::overrides::OVERRIDES;

/// A role by its documented name, such as `Project Owner`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role<'a>(pub &'a str);

impl Role<'_> {
    /// Whether a login with this role may do what `other` may: it is the same role, or one that
    /// includes it, directly or through others.
    ///
    /// Documented roles are minima. Which includes which is not documented in one place; the table
    /// and the reason for each row are in `fixtures/api/overrides.json`.
    pub fn includes(self, other: &str) -> bool {
        let mut held = vec![self.0];
        let mut next = 0;
        while let Some(role) = held.get(next).copied() {
            if role == other {
                return true;
            }
            next += 1;
            for included in OVERRIDES.roles.get(role).into_iter().flatten() {
                if !held.contains(&included.as_str()) {
                    held.push(included);
                }
            }
        }
        false
    }
}
