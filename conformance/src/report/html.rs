//! The HTML report.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::fidelity::Scores;
use super::matrix::{Count, Matrix};
use super::visible;
use crate::expected::{ExpectedFailures, Standing};
use crate::verdict::{Judgement, Verdict};

/// Returns an HTML page with the matrix and every case that did not pass, without scripts and
/// external links. Expected failures show their reason.
pub fn html(judgements: &[Judgement], expected: &BTreeMap<String, ExpectedFailures>) -> String {
    let matrix = Matrix::of(judgements);
    let mut page = format!("{HEAD}<table><thead><tr><th scope=\"col\">area</th>");
    for testee in &matrix.testees {
        let (name, version) = (escaped(testee.name), escaped(testee.version));
        let _ = write!(
            page,
            "<th scope=\"col\">{name} <small>{version}</small></th>"
        );
    }
    page += "</tr></thead><tbody>\n";
    for (area, cells) in matrix.rows() {
        let _ = write!(page, "<tr><th scope=\"row\">{}</th>", escaped(area));
        page.extend(cells.iter().map(cell));
        page += "</tr>\n";
    }
    page += "</tbody></table>\n";
    page += &scores(judgements);
    page += "<h2>Cases that did not pass</h2>\n";
    for testee in &matrix.testees {
        let none = ExpectedFailures::default();
        let expected = expected.get(testee.name).unwrap_or(&none);
        let of_testee = judgements.iter().filter(|it| it.testee == testee.name);
        let shown = |it: &&Judgement| !matches!(it.verdict, Verdict::Pass | Verdict::Unimplemented);
        let not_passed: Vec<&Judgement> = of_testee.filter(shown).collect();
        if not_passed.is_empty() {
            continue;
        }
        let (name, count) = (escaped(testee.name), not_passed.len());
        let _ = writeln!(page, "<details><summary>{name}: {count}</summary>");
        for judgement in not_passed {
            let verdict = judgement.verdict.to_string();
            let why = match expected.standing(judgement) {
                Standing::Expected(reason) => format!("\n  expected:  {reason}"),
                _ => String::new(),
            };
            let text = escaped(&(judgement.explained() + &why));
            let class = verdict.to_lowercase();
            let _ = writeln!(page, "<pre class=\"{class}\">{text}</pre>");
        }
        page += "</details>\n";
    }
    page + "</body></html>\n"
}

/// Returns the fidelity score of each server, if any.
fn scores(judgements: &[Judgement]) -> String {
    let scores = Scores::of(judgements);
    if scores.servers.is_empty() {
        return String::new();
    }
    let mut table =
        "<h2>Fidelity to recorded responses</h2>\n<p>Share of the recorded facts that hold.</p>\n\
        <table><thead><tr><th scope=\"col\">tag</th>"
            .to_owned();
    for server in &scores.servers {
        let _ = write!(table, "<th scope=\"col\">{}</th>", escaped(server));
    }
    table += "</tr></thead><tbody>\n";
    for (tag, shares) in scores.rows() {
        let _ = write!(table, "<tr><th scope=\"row\">{}</th>", escaped(tag));
        for share in shares {
            let class = if share.is_whole() { "pass" } else { "some" };
            let _ = write!(table, "<td class=\"{class}\">{}</td>", share.shown());
        }
        table += "</tr>\n";
    }
    table + "</tbody></table>\n"
}

fn cell(count: &Count) -> String {
    let judged = count.judged();
    if judged == 0 {
        return "<td class=\"none\">–</td>".to_owned();
    }
    let passed = count.of(Verdict::Pass);
    let wrong = [
        Verdict::Fail,
        Verdict::Crashed,
        Verdict::Silent,
        Verdict::Error,
    ];
    let class = match judged - passed - count.of(Verdict::Differs) {
        0 => "pass",
        _ if wrong.iter().any(|verdict| count.of(*verdict) > 0) => "wrong",
        _ => "some",
    };
    let others = count.others().join(", ");
    format!("<td class=\"{class}\">{passed}/{judged}<br><small>{others}</small></td>")
}

/// Escapes a text for HTML.
fn escaped(text: &str) -> String {
    let entity = |character: char| match character {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\'' => "&#39;".to_owned(),
        other => other.to_string(),
    };
    visible(text).chars().map(entity).collect()
}

const HEAD: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>Conformance to the Atlas Administration API</title>
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #222; background: #fff }
table { border-collapse: collapse } th, td { padding: .3rem .7rem; border: 1px solid #ccc }
th { text-align: left } td.pass { background: #dcf3e2 } td.some { background: #fdf1cf } td.wrong { background: #f9dcdc }
td.none, small { color: #666 } pre { overflow-x: auto; padding: .6rem; background: #f6f6f6 }
pre.fail, pre.crashed, pre.silent, pre.error { border-left: 4px solid #c33 }
pre.warn { border-left: 4px solid #da0 } pre.differs { border-left: 4px solid #69c }
</style></head><body>
<h1>Conformance to the Atlas Administration API</h1>
<p>Passed cases of the judged ones. A dash: the testee does not implement what the cases test.
<i>differ</i>: the testee differs from a choice of this project, which is equally valid.</p>
";
