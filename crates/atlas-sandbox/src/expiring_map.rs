//! What is handed out and ends by itself: nonces, tokens, links.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

/// How many of a kind are remembered; the oldest goes for one more.
const CAPACITY: usize = 4096;

/// Things by the text that names them. What has ended is forgotten as others come, so that neither
/// their number nor what one costs grows with what was ever handed out.
#[derive(Debug)]
pub(crate) struct HandedOut<T> {
    things: BTreeMap<String, Thing<T>>,
    oldest_first: VecDeque<String>,
}

#[derive(Debug)]
struct Thing<T> {
    ends: Timestamp,
    value: T,
}

impl<T> HandedOut<T> {
    pub(crate) fn insert(&mut self, now: Timestamp, name: String, ends: Timestamp, value: T) {
        while let Some(oldest) = self.oldest_first.front() {
            let over = self.oldest_first.len() >= CAPACITY;
            let ended = self.things.get(oldest).is_none_or(|it| it.ends <= now);
            if !(over || ended) {
                break;
            }
            self.things.remove(oldest);
            self.oldest_first.pop_front();
        }
        self.oldest_first.push_back(name.clone());
        self.things.insert(name, Thing { ends, value });
    }

    /// What has this name and has not ended.
    pub(crate) fn get(&self, now: Timestamp, name: &str) -> Option<&T> {
        let thing = self.things.get(name)?;
        (now < thing.ends).then_some(&thing.value)
    }

    /// What has this name and has not ended.
    pub(crate) fn get_mut(&mut self, now: Timestamp, name: &str) -> Option<&mut T> {
        let thing = self.things.get_mut(name)?;
        (now < thing.ends).then_some(&mut thing.value)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.things.values_mut().map(|thing| &mut thing.value)
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.things.remove(name);
    }

    pub(crate) fn clear(&mut self) {
        self.things.clear();
        self.oldest_first.clear();
    }
}

impl<T> Default for HandedOut<T> {
    fn default() -> Self {
        Self {
            things: BTreeMap::new(),
            oldest_first: VecDeque::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, HandedOut};
    use jiff::Timestamp;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_has_ended_is_neither_found_nor_kept() {
        let mut tokens = HandedOut::default();
        tokens.insert(at(0), "a".to_owned(), at(10), 1);
        assert_eq!(tokens.get(at(9), "a"), Some(&1));
        assert_eq!(tokens.get(at(10), "a"), None);
        tokens.insert(at(10), "b".to_owned(), at(20), 2);
        assert_eq!((tokens.things.len(), tokens.oldest_first.len()), (1, 1));
    }

    #[test]
    fn the_oldest_goes_where_there_would_be_too_many() {
        let mut tokens = HandedOut::default();
        for token in 0..=CAPACITY {
            tokens.insert(at(0), token.to_string(), at(10), ());
        }
        assert_eq!(tokens.things.len(), CAPACITY);
        assert!(tokens.get(at(1), "0").is_none() && tokens.get(at(1), "1").is_some());
    }

    #[test]
    fn what_is_given_back_one_by_one_leaves_no_names_behind() {
        let mut tokens = HandedOut::default();
        for token in 0..2 * CAPACITY {
            tokens.insert(at(0), token.to_string(), at(10), ());
            if token > 0 {
                tokens.remove(&token.to_string());
            }
        }
        assert!(tokens.oldest_first.len() <= CAPACITY);
    }
}
