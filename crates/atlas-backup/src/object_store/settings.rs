//! The variables that configure a store: a fixed list for each kind, validated before any request.

use std::ffi::OsString;

use http::Uri;
use url::Url;

use super::url::{Kind, usage};
use crate::error::Error;

/// The expected form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    /// Visible ASCII that may be shown.
    Text,
    /// Visible ASCII that is never shown.
    Secret,
    /// Text that is never shown and may have several lines.
    Document,
    /// `true` or `false`.
    Flag,
    /// An `http` or `https` URL without user, query and fragment.
    Endpoint,
    /// The path of a URL.
    UrlPath,
    /// A name that becomes part of a host name.
    HostPart,
    /// A local file.
    File,
}

type Variables = &'static [(&'static str, Value)];

/// In the order in which they are applied: of two names for the same setting, the later one wins.
const S3: Variables = &[
    ("AWS_ACCESS_KEY_ID", Value::Text),
    ("AWS_SECRET_ACCESS_KEY", Value::Secret),
    ("AWS_SESSION_TOKEN", Value::Secret),
    ("AWS_DEFAULT_REGION", Value::HostPart),
    ("AWS_REGION", Value::HostPart),
    ("AWS_ENDPOINT", Value::Endpoint),
    ("AWS_ENDPOINT_URL", Value::Endpoint),
    ("AWS_ENDPOINT_URL_S3", Value::Endpoint),
    ("AWS_ENDPOINT_URL_STS", Value::Endpoint),
    ("AWS_ALLOW_HTTP", Value::Flag),
    ("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", Value::Flag),
    ("AWS_S3_EXPRESS", Value::Flag),
    ("AWS_ROLE_ARN", Value::Text),
    ("AWS_ROLE_SESSION_NAME", Value::Text),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", Value::File),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", Value::UrlPath),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", Value::Endpoint),
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", Value::File),
    ("AWS_METADATA_ENDPOINT", Value::Endpoint),
    ("AWS_SKIP_SIGNATURE", Value::Flag),
    ("AWS_UNSIGNED_PAYLOAD", Value::Flag),
    ("AWS_CHECKSUM_ALGORITHM", Value::Text),
    ("AWS_CONDITIONAL_PUT", Value::Text),
    ("AWS_REQUEST_PAYER", Value::Flag),
    ("AWS_SERVER_SIDE_ENCRYPTION", Value::Text),
    ("AWS_SSE_KMS_KEY_ID", Value::Text),
    ("AWS_SSE_BUCKET_KEY_ENABLED", Value::Flag),
    ("AWS_SSE_CUSTOMER_KEY_BASE64", Value::Secret),
];

const GOOGLE: Variables = &[
    ("GOOGLE_SERVICE_ACCOUNT", Value::File),
    ("GOOGLE_SERVICE_ACCOUNT_PATH", Value::File),
    ("GOOGLE_SERVICE_ACCOUNT_KEY", Value::Document),
    ("GOOGLE_APPLICATION_CREDENTIALS", Value::File),
    ("GOOGLE_BEARER_TOKEN", Value::Secret),
    ("GOOGLE_BASE_URL", Value::Endpoint),
    ("GOOGLE_ALLOW_HTTP", Value::Flag),
    ("GOOGLE_SKIP_SIGNATURE", Value::Flag),
];

const AZURE: Variables = &[
    ("AZURE_STORAGE_ACCOUNT_NAME", Value::HostPart),
    ("AZURE_STORAGE_ACCESS_KEY", Value::Secret),
    ("AZURE_STORAGE_ACCOUNT_KEY", Value::Secret),
    ("AZURE_STORAGE_SAS_KEY", Value::Secret),
    ("AZURE_STORAGE_SAS_TOKEN", Value::Secret),
    ("AZURE_STORAGE_TOKEN", Value::Secret),
    ("AZURE_STORAGE_ENDPOINT", Value::Endpoint),
    ("AZURE_CLIENT_ID", Value::Text),
    ("AZURE_CLIENT_SECRET", Value::Secret),
    ("AZURE_TENANT_ID", Value::HostPart),
    ("AZURE_AUTHORITY_HOST", Value::Endpoint),
    ("AZURE_FEDERATED_TOKEN_FILE", Value::File),
    ("AZURE_MSI_ENDPOINT", Value::Endpoint),
    ("AZURE_OBJECT_ID", Value::Text),
    ("AZURE_MSI_RESOURCE_ID", Value::Text),
    ("AZURE_USE_AZURE_CLI", Value::Flag),
    ("AZURE_ALLOW_HTTP", Value::Flag),
    ("AZURE_SKIP_SIGNATURE", Value::Flag),
];

/// Variables of the vendors' tools that are not supported here, with what to do instead.
const NOT_READ: &[(Kind, &str, &str)] = &[
    (Kind::S3, "AWS_PROFILE", PROFILE),
    (Kind::S3, "AWS_DEFAULT_PROFILE", PROFILE),
    (Kind::S3, "AWS_CONFIG_FILE", PROFILE),
    (Kind::S3, "AWS_SHARED_CREDENTIALS_FILE", PROFILE),
    (
        Kind::Azure,
        "AZURE_STORAGE_CONNECTION_STRING",
        "connection strings are not read; set AZURE_STORAGE_ACCOUNT_NAME and \
         AZURE_STORAGE_ACCOUNT_KEY",
    ),
];
const PROFILE: &str = "profiles and the files in ~/.aws are not read; put the credentials into the \
                       environment, for example with eval \"$(aws configure export-credentials \
                       --format env)\"";
/// Any of these specifies the source of the credentials.
const CREDENTIALS: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_SKIP_SIGNATURE",
    "AZURE_STORAGE_ACCOUNT_NAME",
];

/// The settings of one store.
#[derive(Clone)]
pub(super) struct Settings {
    kind: Kind,
    values: Vec<(&'static str, Value, String)>,
}

impl Settings {
    /// Selects the settings of a kind of store. `is_named` compares a variable with a name.
    ///
    /// # Errors
    /// [`Error::Usage`] names an invalid variable, without its value.
    pub(super) fn new(
        kind: Kind,
        given: impl IntoIterator<Item = (OsString, OsString)>,
        is_named: impl Fn(&str, &str) -> bool,
    ) -> Result<Self, Error> {
        let given: Vec<_> = given
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let find = |name: &str| {
            let mut given = given.iter().rev();
            let found =
                given.find(|(given, _)| given.to_str().is_some_and(|it| is_named(it, name)));
            found.map(|(_, value)| value)
        };
        let variables = match kind {
            Kind::S3 => S3,
            Kind::Google => GOOGLE,
            Kind::Azure => AZURE,
        };
        let mut values = Vec::new();
        for (name, value) in variables {
            let Some(text) = find(name) else { continue };
            let text = text
                .to_str()
                .ok_or_else(|| unusable(name, "expected UTF-8"))?;
            value
                .check(text)
                .map_err(|expected| unusable(name, expected))?;
            values.push((*name, *value, text.to_owned()));
        }
        let settings = Self { kind, values };
        settings.check_pairs()?;
        settings.check_endpoints()?;
        if !CREDENTIALS.iter().any(|name| settings.get(name).is_some()) {
            for (of, name, instead) in NOT_READ {
                if *of == kind && find(name).is_some() {
                    return Err(usage(format!("{name} is set, but {instead}")));
                }
            }
        }
        Ok(settings)
    }

    /// Names and values, in the order in which they are applied.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.values
            .iter()
            .map(|(name, _, value)| (*name, value.as_str()))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.values.iter();
        let found = values.find(|(given, _, _)| *given == name);
        found.map(|(_, _, value)| value.as_str())
    }

    /// The settings without one of them.
    pub(super) fn without(&self, name: &str) -> Self {
        let mut settings = self.clone();
        settings.values.retain(|(given, _, _)| *given != name);
        settings
    }

    /// The values that must never be shown.
    pub(super) fn secrets(&self) -> Vec<String> {
        let secret = |value: &Value| matches!(value, Value::Secret | Value::Document);
        let values = self.values.iter().filter(|(_, value, _)| secret(value));
        values
            .map(|(_, _, text)| text.clone())
            .filter(|text| text.len() >= 6)
            .collect()
    }

    fn check_pairs(&self) -> Result<(), Error> {
        let pairs = [
            ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
            ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
            ("AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"),
            (
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            ),
        ];
        for (name, other) in pairs {
            // With static credentials, no machine or role is queried.
            let is_static = name.starts_with("AWS_ACCESS") || name.starts_with("AWS_SE");
            if !is_static && self.get("AWS_ACCESS_KEY_ID").is_some() {
                continue;
            }
            if self.get(name).is_some() && self.get(other).is_none() {
                return Err(usage(format!(
                    "{name} is set, but {other} is not; set both"
                )));
            }
        }
        Ok(())
    }

    /// A backup is not sent unencrypted unless that was requested.
    fn check_endpoints(&self) -> Result<(), Error> {
        let allow = match self.kind {
            Kind::S3 => "AWS_ALLOW_HTTP",
            Kind::Google => "GOOGLE_ALLOW_HTTP",
            Kind::Azure => "AZURE_ALLOW_HTTP",
        };
        if self.get(allow).and_then(flag) == Some(true) {
            return Ok(());
        }
        for name in [
            "AWS_ENDPOINT",
            "AWS_ENDPOINT_URL",
            "AWS_ENDPOINT_URL_S3",
            "AWS_ENDPOINT_URL_STS",
            "GOOGLE_BASE_URL",
            "AZURE_STORAGE_ENDPOINT",
            "AZURE_AUTHORITY_HOST",
        ] {
            let plain = |url: &str| Url::parse(url).is_ok_and(|url| url.scheme() == "http");
            if self.get(name).is_some_and(plain) {
                return Err(usage(format!(
                    "{name} is an http URL, which would send the backup unencrypted; use https, \
                     or set {allow}=true"
                )));
            }
        }
        Ok(())
    }
}

impl Value {
    /// Returns the expected form if a value is invalid.
    fn check(self, text: &str) -> Result<(), &'static str> {
        let visible = |text: &str| text.chars().all(|c| c.is_ascii_graphic());
        let (fits, expected) = match self {
            Self::Text | Self::Secret => (visible(text), "expected visible ASCII characters"),
            Self::Document => (true, ""),
            Self::Flag => (flag(text).is_some(), "expected true or false"),
            Self::Endpoint => (
                is_endpoint(text),
                "expected an https URL without user, query and fragment",
            ),
            Self::UrlPath => (
                text.starts_with('/') && visible(text) && text.parse::<Uri>().is_ok(),
                "expected the path of a URL",
            ),
            Self::HostPart => (
                text.len() <= 63 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
                "expected letters, digits and '-'",
            ),
            Self::File => (
                !text.chars().any(char::is_control),
                "expected the path of a file",
            ),
        };
        if fits { Ok(()) } else { Err(expected) }
    }
}

/// Reads a flag as `object_store` does.
pub(super) fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "on" | "yes" | "y" => Some(true),
        "0" | "false" | "off" | "no" | "n" => Some(false),
        _ => None,
    }
}

fn is_endpoint(text: &str) -> bool {
    // Requests are built from it with both.
    let (Ok(url), Ok(uri)) = (Url::parse(text), text.parse::<Uri>()) else {
        return false;
    };
    matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| !host.is_empty())
        && uri.host().is_some()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && text.chars().all(|c| c.is_ascii_graphic())
}

pub(super) fn unusable(name: &str, expected: &str) -> Error {
    usage(format!("invalid value of {name}: {expected}"))
}

#[cfg(test)]
mod tests {
    use object_store::aws::AmazonS3ConfigKey;
    use object_store::azure::AzureConfigKey;
    use object_store::gcp::GoogleConfigKey;

    use super::*;

    #[test]
    fn every_variable_has_the_prefix_of_its_store_and_is_one_that_the_store_takes() {
        for (name, _) in S3 {
            assert!(name.starts_with("AWS_"));
            assert!(
                name.to_ascii_lowercase()
                    .parse::<AmazonS3ConfigKey>()
                    .is_ok(),
                "{name}"
            );
        }
        for (name, _) in GOOGLE {
            assert!(name.starts_with("GOOGLE_"));
            assert!(
                name.to_ascii_lowercase().parse::<GoogleConfigKey>().is_ok(),
                "{name}"
            );
        }
        for (name, _) in AZURE {
            assert!(name.starts_with("AZURE_"));
            assert!(
                name.to_ascii_lowercase().parse::<AzureConfigKey>().is_ok(),
                "{name}"
            );
        }
    }
}
