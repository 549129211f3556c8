//! Resources: what responses carry, read leniently, checked strictly on request.

use std::fmt;

use crate::pattern::Patterned;
use crate::seen::Seen;

/// Something a response can carry, with its two conversions.
pub trait Payload: Sized {
    /// Whether the resource is a list, which takes an envelope's status into its own object.
    const LIST: bool;

    /// Reads the resource from a response body, leniently.
    ///
    /// # Errors
    /// The body is no JSON, repeats a key, or holds another JSON type than the documented one.
    fn read(body: &[u8]) -> Result<Self, serde_json::Error>;

    /// Writes the resource as a response body, compact or, if `pretty`, indented.
    ///
    /// # Errors
    /// None for the types of this crate; the signature leaves room for those of others.
    fn write(&self, pretty: bool) -> Result<Vec<u8>, serde_json::Error>;

    /// Lists what strays from the documentation; empty if nothing does.
    fn deviations(&self) -> Vec<Deviation>;
}

/// One place where a response strays from what is documented for it.
///
/// A deviation never makes a response unreadable; see [`Payload::deviations`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    field: &'static str,
    problem: String,
}

impl Deviation {
    pub(crate) fn new(field: &'static str, problem: String) -> Self {
        Self { field, problem }
    }

    /// The field, as the API spells it.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// What is wrong with it, in one line.
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.problem)
    }
}

/// A field type that can say how its value strays from the documentation.
pub(crate) trait Checked {
    fn check(&self, field: &'static str) -> Option<Deviation>;
}

impl<T: Patterned> Checked for Seen<T> {
    fn check(&self, field: &'static str) -> Option<Deviation> {
        let fault = self.fault(field)?;
        Some(Deviation::new(field, fault.without_field().to_string()))
    }
}

/// Declares a response body: every field optional, `null` read as absent.
///
/// `required` marks what the documentation requires; its absence is a [`Deviation`], no error.
macro_rules! resource {
    (
        $(#[$doc:meta])*
        pub struct $name:ident {
            $( $(#[$field_doc:meta])* $field:ident: $type:ty = $wire:literal $($required:ident)?, )+
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            $(
                $(#[$field_doc])*
                #[serde(rename = $wire, skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )+
        }

        impl $crate::Payload for $name {
            const LIST: bool = false;

            fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
                serde_json::from_slice(body)
            }

            fn write(&self, pretty: bool) -> Result<Vec<u8>, serde_json::Error> {
                if pretty {
                    serde_json::to_vec_pretty(self)
                } else {
                    serde_json::to_vec(self)
                }
            }

            fn deviations(&self) -> Vec<$crate::Deviation> {
                let mut found = Vec::new();
                $(
                    match &self.$field {
                        Some(value) => found.extend($crate::resource::Checked::check(value, $wire)),
                        None => {
                            $( $crate::resource::resource!(@$required found, $wire); )?
                        }
                    }
                )+
                found
            }
        }
    };
    (@required $found:ident, $wire:literal) => {
        $found.push($crate::Deviation::new($wire, "absent, though documented as required".to_owned()))
    };
}

pub(crate) use resource;
