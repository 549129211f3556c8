//! Enums that Atlas may extend: what this version does not know is kept as text.

/// Declares an open enum from its documented texts.
macro_rules! open_enum {
    (
        $(#[$doc:meta])*
        pub enum $name:ident {
            $( $(#[$variant_doc:meta])* $variant:ident = $text:literal, )+
        }
    ) => {
        $(#[$doc])*
        ///
        /// A text that is not documented here is kept in `Other`.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$variant_doc])* $variant, )+
            /// A value that the documentation does not list, as it came.
            Other(Box<str>),
        }

        impl $name {
            /// The documented texts.
            pub const DOCUMENTED: &'static [&'static str] = &[$($text),+];

            /// The text on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $text, )+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $( $text => Self::$variant, )+
                    _ => Self::Other(text.into()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Open;

                impl serde::de::Visitor<'_> for Open {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a text")
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        Ok(text.into())
                    }
                }

                deserializer.deserialize_str(Open)
            }
        }

        impl $crate::resource::Checked for $name {
            fn check(&self, field: &str, found: &mut Vec<$crate::Deviation>) {
                if let Self::Other(text) = self {
                    found.push($crate::Deviation::new(
                        field,
                        format!("{text:?} is none of {}", Self::DOCUMENTED.join(", ")),
                    ));
                }
            }
        }

        impl $crate::open_enum::Open for $name {
            const DOCUMENTED: &'static [&'static str] = Self::DOCUMENTED;

            fn is_documented(&self) -> bool {
                !matches!(self, Self::Other(_))
            }
        }
    };
}

pub(crate) use open_enum;

/// What every open enum can say of itself.
pub(crate) trait Open: serde::de::DeserializeOwned {
    const DOCUMENTED: &'static [&'static str];

    fn is_documented(&self) -> bool;
}

/// Reads a value strictly, as a request is read: what is not documented is refused.
pub(crate) fn documented<'de, T: Open, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = T::deserialize(deserializer)?;
    if value.is_documented() {
        return Ok(value);
    }
    let names = T::DOCUMENTED.join(", ");
    Err(serde::de::Error::custom(format!("is none of {names}")))
}
