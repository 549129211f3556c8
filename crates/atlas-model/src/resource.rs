//! Resources: what responses carry, read leniently, checked strictly on request.

use std::borrow::Cow;
use std::fmt;

use compact_str::CompactString;

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
    field: String,
    problem: String,
}

impl Deviation {
    pub(crate) fn new(field: &str, problem: String) -> Self {
        let field = field.to_owned();
        Self { field, problem }
    }

    pub(crate) fn absent(field: &str) -> Self {
        Self::new(field, "absent, though documented as required".to_owned())
    }

    /// The field, as the API spells it, with the way to it: `results[0].id`.
    pub fn field(&self) -> &str {
        &self.field
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

/// A value that can say how it strays from the documentation.
pub trait Checked {
    /// Whether a list of these is documented to hold `results` always.
    const RESULTS_REQUIRED: bool = true;

    /// Adds what strays; `field` is where the value stands.
    fn check(&self, field: &str, found: &mut Vec<Deviation>);
}

impl<T: Patterned> Checked for Seen<T> {
    fn check(&self, field: &str, found: &mut Vec<Deviation>) {
        if let Some(fault) = self.fault() {
            found.push(Deviation::new(field, fault.without_field().to_string()));
        }
    }
}

impl<T: Checked> Checked for Vec<T> {
    fn check(&self, field: &str, found: &mut Vec<Deviation>) {
        for (index, item) in self.iter().enumerate() {
            item.check(&format!("{field}[{index}]"), found);
        }
    }
}

/// Makes types checked whose every value is as documented.
macro_rules! unchecked {
    ($($type:ty),*) => {$(
        impl $crate::resource::Checked for $type {
            fn check(&self, _: &str, _: &mut Vec<$crate::Deviation>) {}
        }
    )*};
}

pub(crate) use unchecked;

unchecked!(bool, i64, f64, CompactString, serde_json::Value);

/// The answer of an operation that has nothing to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Empty;

impl Payload for Empty {
    const LIST: bool = false;

    fn read(_: &[u8]) -> Result<Self, serde_json::Error> {
        Ok(Self)
    }

    fn write(&self, _: bool) -> Result<Vec<u8>, serde_json::Error> {
        Ok(Vec::new())
    }

    fn deviations(&self) -> Vec<Deviation> {
        Vec::new()
    }
}

/// Declares a response body: every field optional, `null` read as absent.
///
/// `required` marks what the documentation requires; its absence is a [`Deviation`], no error.
/// A struct that `lists optional` may stand in a list without `results`.
macro_rules! resource {
    (
        $(#[$doc:meta])*
        pub struct $name:ident $(lists $results:ident)? {
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
                $crate::resource::Checked::check(self, "", &mut found);
                found
            }
        }

        impl $crate::resource::Checked for $name {
            $( const RESULTS_REQUIRED: bool = $crate::resource::resource!(@$results); )?

            fn check(&self, at: &str, found: &mut Vec<$crate::Deviation>) {
                $(
                    let field = $crate::resource::within(at, $wire);
                    match &self.$field {
                        Some(value) => $crate::resource::Checked::check(value, &field, found),
                        None => {
                            $( $crate::resource::resource!(@$required found, &field); )?
                        }
                    }
                )+
            }
        }
    };
    (@optional) => { false };
    (@required $found:ident, $field:expr) => {
        $found.push($crate::Deviation::absent($field))
    };
}

pub(crate) use resource;

/// The way to a field.
pub(crate) fn within<'a>(at: &str, field: &'a str) -> Cow<'a, str> {
    if at.is_empty() {
        field.into()
    } else {
        format!("{at}.{field}").into()
    }
}
