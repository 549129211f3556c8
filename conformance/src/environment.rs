//! Selects the environment variables that testees do not inherit.

use std::ffi::OsStr;

/// Whether a variable may hold a credential, by its name in any case.
pub(crate) fn may_hold_credential(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_uppercase();
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || WORDS.iter().any(|word| name.contains(word))
}

/// The variables of Atlas and MongoDB tools, of Terraform inputs, and of the cloud providers.
const PREFIXES: [&str; 8] = [
    "MONGODB_", "MDB_MCP_", "MCLI_", "TF_VAR_", "AWS_", "AZURE_", "GOOGLE_", "GCP_",
];

/// Parts of the names of other credentials, such as `GITHUB_TOKEN`.
const WORDS: [&str; 16] = [
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "_PASS",
    "_PWD",
    "SSHPASS",
    "CREDENTIAL",
    "API_KEY",
    "APIKEY",
    "ACCESS_KEY",
    "ACCOUNT_KEY",
    "PRIVATE_KEY",
    "_AUTH",
    "DATABASE_URL",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_credentials_are_recognized_and_those_of_common_settings_are_not() {
        for name in [
            "MONGODB_ATLAS_PUBLIC_API_KEY",
            "MONGODB_ATLAS_CLIENT_ID",
            "MONGODB_ATLAS_ACCESS_TOKEN_FILE",
            "MCLI_PRIVATE_API_KEY",
            "ATLAS_SANDBOX_CONTROL_TOKEN",
            "TF_VAR_atlas_key",
            "AWS_ACCESS_KEY_ID",
            "aws_profile",
            "AZURE_CLIENT_SECRET",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "GITHUB_TOKEN",
            "PGPASSWORD",
            "GCP_PROJECT",
            "REGISTRY_PASSWD",
            "GIT_CREDENTIALS",
            "SERVICE_API_KEY",
            "S3_ACCESS_KEY",
            "SSH_PRIVATE_KEY",
            "MONGODB_URI",
            "MDB_MCP_CONNECTION_STRING",
            "MYSQL_PWD",
            "RCLONE_CONFIG_S3_PASS",
            "NPM_CONFIG__AUTH",
            "OPENAI_APIKEY",
        ] {
            assert!(may_hold_credential(OsStr::new(name)), "{name}");
        }
        for name in [
            "PATH",
            "HOME",
            "LANG",
            "TMPDIR",
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
            "HTTPS_PROXY",
            "PYTHONPATH",
            "VIRTUAL_ENV",
            "NODE_OPTIONS",
            "NODE_EXTRA_CA_CERTS",
            "JAVA_HOME",
            "JAVA_TOOL_OPTIONS",
            "GOPATH",
            "GEM_HOME",
            "DOTNET_ROOT",
            "LD_LIBRARY_PATH",
            "ATLAS_LOG",
        ] {
            assert!(!may_hold_credential(OsStr::new(name)), "{name}");
        }
    }
}
