//! "Did you mean": known names that are close to an unknown one.

/// Returns up to three of `names` that are close to `name`, the closest first.
pub fn closest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    // A longer text is not a misspelt name.
    if name.len() > 100 {
        return Vec::new();
    }
    let wanted = name.to_ascii_lowercase();
    let allowed = wanted.chars().count().div_ceil(3).max(1);
    let mut near: Vec<(usize, &str)> = names
        .into_iter()
        .filter(|candidate| candidate.len() <= 100)
        .filter_map(|candidate| {
            let other = candidate.to_ascii_lowercase();
            let steps = distance(&wanted, &other);
            let contained = wanted.len() >= 4 && other.contains(&wanted);
            match (steps <= allowed, contained) {
                (true, _) => Some((steps, candidate)),
                (false, true) => Some((allowed + 1, candidate)),
                (false, false) => None,
            }
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter()
        .take(3)
        .map(|(_, candidate)| candidate)
        .collect()
}

/// A text with its control characters escaped, for a message.
pub(crate) fn printable(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}

/// The edit distance, with two swapped letters counted as one edit.
fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.chars().collect();
    let other: Vec<char> = other.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, a) in one.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, b) in other.iter().enumerate() {
            let mut fewest = (last[column] + usize::from(a != b))
                .min(last[column + 1] + 1)
                .min(line[column] + 1);
            let swapped = row > 0 && column > 0 && *a == other[column - 1] && *b == one[row - 1];
            if swapped {
                fewest = fewest.min(before_last[column - 1] + 1);
            }
            line.push(fewest);
        }
        before_last = std::mem::replace(&mut last, line);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_is_first_and_distant_ones_are_left_out() {
        let names = ["getCluster", "getClusters", "listClusters", "deleteCluster"];
        assert_eq!(closest("getClutser", names), ["getCluster", "getClusters"]);
        assert_eq!(closest("GETCLUSTER", names)[0], "getCluster");
        assert!(closest("quux", names).is_empty());
        assert!(closest(&"x".repeat(1 << 20), names).is_empty());
        assert!(closest("", names).is_empty());
    }
}
