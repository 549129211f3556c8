//! Distinguishes URLs of object stores from paths.

use crate::failure::Failure;

/// Whether an output is a URL, not a file.
#[cfg(feature = "object-store")]
pub(crate) fn is_meant(out: &str) -> bool {
    atlas_backup::StoreTarget::is_meant(out)
}

/// Whether an output is a URL, not a file.
#[cfg(not(feature = "object-store"))]
pub(crate) fn is_meant(out: &str) -> bool {
    let Some((scheme, rest)) = out.split_once(':') else {
        return false;
    };
    let known = ["s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss"];
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let is_scheme =
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(fits);
    is_scheme && rest.starts_with("//") || known.iter().any(|it| scheme.eq_ignore_ascii_case(it))
}

/// Refuses a URL where only a file or a folder of this machine is allowed.
pub(crate) fn refuse_url(flag: &str, path: &str) -> Result<(), Failure> {
    if is_meant(path) {
        return Err(Failure::Usage(format!(
            "--{flag} is a URL; name a path on this machine"
        )));
    }
    Ok(())
}
