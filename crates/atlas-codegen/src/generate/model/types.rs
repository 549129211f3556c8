//! The Rust types that fields and parameters have.

/// A type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    Bool,
    Int,
    Float,
    /// A string.
    Text,
    /// A string that `Debug` hides.
    Secret,
    Timestamp,
    /// 24 hex digits, as this type of the crate.
    Id(String),
    /// Any JSON.
    Json,
    /// A handwritten type of the crate.
    Core(&'static str),
    /// An enum, by the place that identifies it.
    Enum(String),
    /// A struct or union, by its schema.
    Named(String),
    List(Box<Type>),
    Map(Box<Type>),
    Page(Box<Type>),
}

impl Type {
    /// Returns the schema that a value of this type contains without indirection.
    pub(super) fn held(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            _ => None,
        }
    }

    /// Visits every enum and schema that the type names.
    pub(super) fn visit(&self, found: &mut impl FnMut(&Type)) {
        match self {
            Self::List(inner) | Self::Map(inner) | Self::Page(inner) => inner.visit(found),
            Self::Enum(_) | Self::Named(_) => found(self),
            _ => {}
        }
    }
}
