//! Values that expire: nonces, tokens, links.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

/// The maximum number of values in a map; a further one replaces the oldest.
const CAPACITY: usize = 4096;

/// Values by key, with an expiry. Expired values are removed as others are inserted, so neither the
/// size nor the cost of an insertion grows over time.
#[derive(Debug)]
pub(crate) struct ExpiringMap<T> {
    things: BTreeMap<String, Thing<T>>,
    oldest_first: VecDeque<String>,
}

#[derive(Debug)]
struct Thing<T> {
    ends: Timestamp,
    value: T,
}

impl<T> ExpiringMap<T> {
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

    /// The value of a key, unless it has expired.
    pub(crate) fn get(&self, now: Timestamp, name: &str) -> Option<&T> {
        let thing = self.things.get(name)?;
        (now < thing.ends).then_some(&thing.value)
    }

    /// The value of a key, unless it has expired.
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

impl<T> Default for ExpiringMap<T> {
    fn default() -> Self {
        Self {
            things: BTreeMap::new(),
            oldest_first: VecDeque::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, ExpiringMap};
    use jiff::Timestamp;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn expired_values_are_neither_found_nor_kept() {
        let mut tokens = ExpiringMap::default();
        tokens.insert(at(0), "a".to_owned(), at(10), 1);
        assert_eq!(tokens.get(at(9), "a"), Some(&1));
        assert_eq!(tokens.get(at(10), "a"), None);
        tokens.insert(at(10), "b".to_owned(), at(20), 2);
        assert_eq!((tokens.things.len(), tokens.oldest_first.len()), (1, 1));
    }

    #[test]
    fn the_oldest_value_is_replaced_at_capacity() {
        let mut tokens = ExpiringMap::default();
        for token in 0..=CAPACITY {
            tokens.insert(at(0), token.to_string(), at(10), ());
        }
        assert_eq!(tokens.things.len(), CAPACITY);
        assert!(tokens.get(at(1), "0").is_none() && tokens.get(at(1), "1").is_some());
    }

    #[test]
    fn removed_values_leave_no_keys_behind() {
        let mut tokens = ExpiringMap::default();
        for token in 0..2 * CAPACITY {
            tokens.insert(at(0), token.to_string(), at(10), ());
            if token > 0 {
                tokens.remove(&token.to_string());
            }
        }
        assert!(tokens.oldest_first.len() <= CAPACITY);
    }
}
