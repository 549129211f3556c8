//! The text of `--version`.

use atlas_transport::atlas_catalog::FACTS_DATE;

/// `0.2.0 (API facts 2026-08-21)`
pub(crate) fn version() -> String {
    format!("{} (API facts {FACTS_DATE})", env!("CARGO_PKG_VERSION"))
}
