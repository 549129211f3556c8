//! The matrix: the number of passed cases by area and testee.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::table_text;
use crate::verdict::{Judgement, Verdict};

/// Returns a Markdown table of areas and testees: passed of judged cases, then the others by
/// verdict. `–` means that no case could be judged.
pub fn markdown(judgements: &[Judgement]) -> String {
    let matrix = Matrix::of(judgements);
    let mut table = String::new();
    let testees = matrix
        .testees
        .iter()
        .map(|testee| table_text(&testee.shown()));
    let testees: Vec<String> = testees.collect();
    let _ = writeln!(table, "| area | {} |", testees.join(" | "));
    let _ = writeln!(table, "| --- |{}", " --- |".repeat(testees.len()));
    for (area, cells) in matrix.rows() {
        let cells: Vec<String> = cells.iter().map(Count::shown).collect();
        let _ = writeln!(table, "| {} | {} |", table_text(area), cells.join(" | "));
    }
    table
}

/// Counts by area and testee.
pub(super) struct Matrix<'a> {
    /// The testees in the order of their first judgement.
    pub(super) testees: Vec<Testee<'a>>,
    cells: BTreeMap<&'a str, BTreeMap<&'a str, Count>>,
}

/// A testee and its version.
pub(super) struct Testee<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
}

impl Testee<'_> {
    /// Returns the name and the version, if known.
    pub(super) fn shown(&self) -> String {
        format!("{} {}", self.name, self.version)
            .trim_end()
            .to_owned()
    }
}

impl<'a> Matrix<'a> {
    pub(super) fn of(judgements: &'a [Judgement]) -> Self {
        let mut testees: Vec<Testee<'a>> = Vec::new();
        let mut cells: BTreeMap<&str, BTreeMap<&str, Count>> = BTreeMap::new();
        for judgement in judgements {
            let (name, version) = (&*judgement.testee, &*judgement.version);
            match testees.iter_mut().find(|it| it.name == name) {
                Some(known) if known.version.is_empty() => known.version = version,
                Some(_) => {}
                None => testees.push(Testee { name, version }),
            }
            let row = cells.entry(&judgement.area).or_default();
            row.entry(name).or_default().add(judgement.verdict);
        }
        Self { testees, cells }
    }

    /// Returns each area with a cell for each testee; the last row is the total.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&str, Vec<Count>)> {
        let cell = |row: &BTreeMap<&str, Count>, testee: &Testee<'_>| {
            row.get(testee.name).copied().unwrap_or_default()
        };
        let areas = self.cells.iter().map(move |(area, row)| {
            let cells = self.testees.iter().map(|testee| cell(row, testee));
            (*area, cells.collect())
        });
        let sums = self.testees.iter().map(|testee| {
            let of_testee = self.cells.values().filter_map(|row| row.get(testee.name));
            of_testee.fold(Count::default(), |sum, count| sum.plus(*count))
        });
        areas.chain([("all", sums.collect())])
    }
}

/// The number of cases by verdict.
#[derive(Clone, Copy, Default)]
pub(super) struct Count([usize; Verdict::ALL.len()]);

impl Count {
    fn add(&mut self, verdict: Verdict) {
        for (known, count) in Verdict::ALL.iter().zip(&mut self.0) {
            *count += usize::from(*known == verdict);
        }
    }

    fn plus(mut self, other: Self) -> Self {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
        self
    }

    pub(super) fn of(&self, verdict: Verdict) -> usize {
        let mut counts = Verdict::ALL.iter().zip(self.0);
        counts
            .find(|(known, _)| **known == verdict)
            .map_or(0, |(_, count)| count)
    }

    /// Returns the number of judged cases.
    pub(super) fn judged(&self) -> usize {
        self.0.iter().sum::<usize>() - self.of(Verdict::Unimplemented)
    }

    /// Describes the numbers of cases that did not pass, by verdict.
    pub(super) fn others(&self) -> Vec<String> {
        let words = [
            (Verdict::Fail, "failed"),
            (Verdict::Warn, "warned"),
            (Verdict::Differs, "differ"),
            (Verdict::Crashed, "crashed"),
            (Verdict::Silent, "silent"),
            (Verdict::Error, "not run"),
        ];
        let counts = words.map(|(verdict, word)| (self.of(verdict), word));
        let some = counts.into_iter().filter(|(count, _)| *count > 0);
        some.map(|(count, word)| format!("{count} {word}"))
            .collect()
    }

    fn shown(&self) -> String {
        let judged = self.judged();
        if judged == 0 {
            return "–".to_owned();
        }
        let passed = format!("{}/{judged}", self.of(Verdict::Pass));
        let others = self.others();
        [vec![passed], others].concat().join(", ")
    }
}
