//! The Rust types that fields and parameters have.

/// A type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    Bool,
    Int,
    Float,
    /// Any text.
    Text,
    /// A text that `Debug` hides.
    Secret,
    Timestamp,
    /// 24 hex digits, as this type of the crate.
    Id(String),
    /// Any JSON.
    Json,
    /// A type that is written by hand in the crate.
    Core(&'static str),
    /// An enum, by the place that it is known by.
    Enum(String),
    /// A struct or union, by its schema.
    Named(String),
    List(Box<Type>),
    Map(Box<Type>),
    Page(Box<Type>),
}

impl Type {
    /// The schema that a value of this type holds without a pointer in between.
    pub(super) fn held(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            _ => None,
        }
    }

    /// Every enum and schema that the type names.
    pub(super) fn visit(&self, found: &mut impl FnMut(&Type)) {
        match self {
            Self::List(inner) | Self::Map(inner) | Self::Page(inner) => inner.visit(found),
            Self::Enum(_) | Self::Named(_) => found(self),
            _ => {}
        }
    }
}
