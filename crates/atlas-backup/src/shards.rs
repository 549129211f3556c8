//! Unique names for the files of one restore job.

/// A name for each shard: its own if it is valid in a file name and differs from all others in any
/// case; otherwise its index in the job (`0`, `1`, …).
pub(crate) fn unique_names<'a>(shards: impl IntoIterator<Item = Option<&'a str>>) -> Vec<String> {
    let shards: Vec<Option<&str>> = shards.into_iter().collect();
    let mut names: Vec<Option<&str>> = shards
        .into_iter()
        .map(|shard| shard.filter(|shard| is_usable(shard)))
        .collect();
    loop {
        let taken: Vec<String> = names
            .iter()
            .enumerate()
            .map(|(place, name)| name.map_or_else(|| place.to_string(), str::to_ascii_lowercase))
            .collect();
        let count = |wanted: &String| taken.iter().filter(|name| *name == wanted).count();
        let double: Vec<usize> = (0..names.len())
            .filter(|place| names[*place].is_some() && count(&taken[*place]) > 1)
            .collect();
        if double.is_empty() {
            break;
        }
        for place in double {
            names[place] = None;
        }
    }
    let names = names.into_iter().enumerate();
    names
        .map(|(place, name)| name.map_or_else(|| place.to_string(), str::to_owned))
        .collect()
}

/// Whether a shard's name, which comes from a server, is safe in a file name.
pub(crate) fn is_usable(shard: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !shard.is_empty() && shard.len() <= 100 && shard.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::unique_names;

    #[test]
    fn names_are_unique_in_any_case_and_differ_from_indexes() {
        for (shards, names) in [
            (vec![Some("a"), Some("b")], ["a", "b"]),
            (vec![Some("a"), Some("a")], ["0", "1"]),
            (vec![Some("a"), Some("A")], ["0", "1"]),
            (vec![None, None], ["0", "1"]),
            (vec![Some("a"), None], ["a", "1"]),
            (vec![Some("../x"), Some("")], ["0", "1"]),
            (vec![Some("1"), None], ["0", "1"]),
            (vec![Some("1"), Some("0")], ["1", "0"]),
        ] {
            assert_eq!(unique_names(shards.clone()), names, "{shards:?}");
        }
        let many = vec![Some("2"), Some("x"), None, Some("0"), Some("X")];
        assert_eq!(unique_names(many), ["0", "1", "2", "3", "4"]);
    }
}
