//! Generates unions and enums.

use std::fmt::Write as _;

use super::case::pascal;
use super::item::{alias, gate};
use super::plan::{Item, Plan};
use super::schema::Union;

impl Plan {
    pub(super) fn write_union(
        &self,
        name: &str,
        key: &str,
        union: &Union,
        condition: Option<&str>,
    ) -> Result<String, String> {
        let gate = gate(condition);
        let mut arms: Vec<(String, &str, &[String])> = Vec::new();
        for (arm, values) in &union.arms {
            if arm == key {
                return Err(format!("{key} is one of its own members"));
            }
            let kind = self.name(arm);
            let variant = match values.as_slice() {
                [value] => pascal(value),
                _ => kind.to_owned(),
            };
            if variant == "Unknown" || arms.iter().any(|(known, _, _)| *known == variant) {
                return Err(format!("two members of {key} would be {variant}"));
            }
            arms.push((variant, kind, values));
        }
        let mut out = format!(
            "/// The schema `{key}`: `{}` selects the type.\n{}{gate}#[derive(Debug, Clone, PartialEq)]\n\
             #[non_exhaustive]\npub enum {name} {{\n",
            union.tag,
            alias(key, name),
        );
        for (variant, kind, values) in &arms {
            let values: Vec<String> = values
                .iter()
                .take(6)
                .map(|value| format!("`{value}`"))
                .collect();
            let _ = writeln!(out, "/// {}.\n{variant}({kind}),", values.join(", "));
        }
        out.push_str("/// An undocumented type, as received.\nUnknown(Json),\n}\n\n");
        let _ = write!(
            out,
            "{gate}impl<'de> Deserialize<'de> for {name} {{\n\
             fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {{\n\
             let object = Tagged::read(deserializer, {:?})?;\nmatch object.tag() {{\n",
            union.tag
        );
        for (variant, _, values) in &arms {
            let patterns: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
            let _ = writeln!(
                out,
                "{} => object.into_type().map(Self::{variant}),",
                patterns.join(" | ")
            );
        }
        let _ = write!(
            out,
            "_ => object.into_json().map(Self::Unknown),\n}}\n}}\n}}\n\n\
             {gate}impl Serialize for {name} {{\n\
             fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {{\nmatch self {{\n"
        );
        for (variant, _, _) in &arms {
            let _ = writeln!(
                out,
                "Self::{variant}(value) => value.serialize(serializer),"
            );
        }
        out.push_str("Self::Unknown(value) => value.serialize(serializer),\n}\n}\n}\n\n");
        for (variant, kind, _) in &arms {
            let _ = write!(
                out,
                "{gate}impl From<{kind}> for {name} {{\nfn from(value: {kind}) -> Self {{\nSelf::{variant}(value)\n}}\n}}\n\n"
            );
        }
        Ok(out)
    }

    /// Returns the values of an enum with their variants.
    pub(super) fn enum_values(&self, name: &str) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        for key in &self.items[name].keys {
            for value in self.schemas.values_at(key) {
                // Another spelling of a value is read as that value.
                if found
                    .iter()
                    .any(|(known, _)| known.eq_ignore_ascii_case(&value))
                {
                    continue;
                }
                let variant = pascal(&value);
                let mut unique = if variant == "Other" {
                    "OtherValue".to_owned()
                } else {
                    variant
                };
                while found.iter().any(|(_, known)| *known == unique) {
                    unique.push('_');
                }
                found.push((value, unique));
            }
        }
        found
    }

    /// Returns other spellings of the values of an enum, each with its variant.
    fn spellings(&self, name: &str, values: &[(String, String)]) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        let keys = self.items[name].keys.iter();
        for value in keys.flat_map(|key| self.schemas.values_at(key)) {
            let is_known = |(known, _): &(String, String)| *known == value;
            if values.iter().any(is_known) || found.iter().any(is_known) {
                continue;
            }
            let same = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(&value);
            if let Some((_, variant)) = values.iter().find(same) {
                found.push((value, variant.clone()));
            }
        }
        found
    }

    pub(super) fn write_enum(&self, name: &str, item: &Item, condition: Option<&str>) -> String {
        let gate = gate(condition);
        let values = self.enum_values(name);
        let spellings = self.spellings(name, &values);
        let mut places: Vec<String> = Vec::new();
        for key in &item.keys {
            let place = format!("`{}`", place(key));
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let more = if places.len() > 4 { " and others" } else { "" };
        let mut out = format!(
            "/// The values of {}{more}.\n{gate}#[derive(Debug, Clone, PartialEq, Eq, Hash)]\n#[non_exhaustive]\npub enum {name} {{\n",
            places[..places.len().min(4)].join(", "),
        );
        for (value, variant) in &values {
            let _ = writeln!(out, "/// `{value}`\n{variant},");
        }
        out.push_str("/// An undocumented value, as received.\nOther(Box<str>),\n}\n\n");
        let _ = write!(
            out,
            "{gate}impl {name} {{\n/// The documented values.\npub const DOCUMENTED: &'static [&'static str] = &[{}];\n\n\
             /// The text on the wire.\npub fn as_str(&self) -> &str {{\nmatch self {{\n",
            values
                .iter()
                .map(|(value, _)| format!("{value:?}"))
                .collect::<Vec<_>>()
                .join(", "),
        );
        for (value, variant) in &values {
            let _ = writeln!(out, "Self::{variant} => {value:?},");
        }
        let _ = write!(
            out,
            "Self::Other(text) => text,\n}}\n}}\n}}\n\n{gate}impl From<&str> for {name} {{\nfn from(text: &str) -> Self {{\nmatch text {{\n"
        );
        for (value, variant) in &values {
            let mut texts = vec![format!("{value:?}")];
            let others = spellings.iter().filter(|(_, known)| known == variant);
            texts.extend(others.map(|(other, _)| format!("{other:?}")));
            let _ = writeln!(out, "{} => Self::{variant},", texts.join(" | "));
        }
        let _ = write!(
            out,
            "_ => Self::Other(text.into()),\n}}\n}}\n}}\n\n\
             {gate}impl Display for {name} {{\nfn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {{\nf.pad(self.as_str())\n}}\n}}\n\n\
             {gate}impl Serialize for {name} {{\nfn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {{\n\
             serializer.serialize_str(self.as_str())\n}}\n}}\n\n\
             {gate}impl<'de> Deserialize<'de> for {name} {{\n\
             fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {{\n\
             open_enum::deserialize(deserializer)\n}}\n}}\n\n"
        );
        out
    }
}

fn place(key: &str) -> String {
    match key.split_once(' ') {
        Some((_, parameter)) => parameter.rsplit(' ').next().unwrap_or(parameter).to_owned(),
        None => key.to_owned(),
    }
}
