//! Reports: judgements as a matrix in Markdown or HTML, as `JUnit` XML and as JSON lines, and the
//! fidelity score of servers.

mod fidelity;
mod html;
mod junit;
mod matrix;

pub use fidelity::fidelity;
pub use html::html;
pub use junit::junit;
pub use matrix::markdown;

use crate::verdict::Judgement;

/// Returns the judgements as JSON, one object per line.
pub fn json_lines(judgements: &[Judgement]) -> String {
    let lines = judgements
        .iter()
        .filter_map(|judgement| serde_json::to_string(judgement).ok());
    lines.map(|line| line + "\n").collect()
}
