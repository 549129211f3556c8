//! Compiles a pattern to a minimal deterministic automaton over bytes.

use std::collections::{BTreeMap, BTreeSet};

use super::Error;
use super::parse::Node;

/// A minimal automaton in the form that `atlas-pattern` executes.
///
/// A state is the offset of its row in `next`. State 0 is dead, accepting states are last, and
/// class 0 is that of non-ASCII bytes.
#[derive(Debug)]
pub(super) struct Automaton {
    pub(super) classes: Vec<u8>,
    pub(super) next: Vec<u16>,
    pub(super) start: u16,
    pub(super) accepting: u16,
}

impl Automaton {
    /// Compiles the search for a pattern anywhere in a text.
    pub(super) fn compile(pattern: &str, node: &Node) -> Result<Self, Error> {
        let too_large = |limit| Error::TooLarge {
            pattern: pattern.to_owned(),
            limit,
        };
        let nfa = Nfa::new(node).ok_or_else(|| too_large(NFA_STATES))?;
        let dfa = Dfa::new(&nfa).ok_or_else(|| too_large(DFA_STATES))?;
        dfa.minimal().ok_or_else(|| too_large(usize::from(u8::MAX)))
    }
}

/// A state of the nondeterministic automaton of the pattern.
enum State {
    /// Consumes one ASCII character of a set.
    Class(u128, usize),
    /// Continues in several states.
    Split(Vec<usize>),
    /// Continues at the start of the text only.
    Start(usize),
    /// Continues at the end of the text only.
    End(usize),
    Match,
}

struct Nfa {
    states: Vec<State>,
    start: usize,
}

impl Nfa {
    fn new(node: &Node) -> Option<Self> {
        let mut nfa = Self {
            states: vec![State::Match],
            start: 0,
        };
        nfa.start = nfa.add(node, 0)?;
        Some(nfa)
    }

    fn push(&mut self, state: State) -> Option<usize> {
        (self.states.len() < NFA_STATES).then(|| {
            self.states.push(state);
            self.states.len() - 1
        })
    }

    /// Adds the states of a part that continues in `next`; returns the first one.
    fn add(&mut self, node: &Node, next: usize) -> Option<usize> {
        match node {
            Node::Start => self.push(State::Start(next)),
            Node::End => self.push(State::End(next)),
            Node::Class(set) | Node::Letters(set) => self.push(State::Class(*set, next)),
            Node::Concat(parts) => {
                // At least one state, so that repetitions of nothing reach the limit.
                let mut next = self.push(State::Split(vec![next]))?;
                for part in parts.iter().rev() {
                    next = self.add(part, next)?;
                }
                Some(next)
            }
            Node::Alternate(alternatives) => {
                let mut targets = Vec::new();
                for alternative in alternatives {
                    targets.push(self.add(alternative, next)?);
                }
                self.push(State::Split(targets))
            }
            Node::Repeat(part, minimum, maximum) => {
                let mut tail = next;
                match maximum {
                    None => {
                        tail = self.push(State::Split(vec![next]))?;
                        let body = self.add(part, tail)?;
                        self.states[tail] = State::Split(vec![body, next]);
                    }
                    Some(maximum) => {
                        for _ in *minimum..*maximum {
                            let body = self.add(part, tail)?;
                            tail = self.push(State::Split(vec![body, next]))?;
                        }
                    }
                }
                for _ in 0..*minimum {
                    tail = self.add(part, tail)?;
                }
                Some(tail)
            }
        }
    }

    /// Returns the states that are reachable without consuming a character.
    fn closure(&self, seeds: &[usize], at_start: bool) -> Reached {
        let mut seen = vec![false; self.states.len()];
        // Two passes: anywhere, then at the end of the text only.
        let mut ends = Vec::new();
        let mut reached = Reached::default();
        let mut stack = seeds.to_vec();
        while let Some(state) = stack.pop() {
            if std::mem::replace(&mut seen[state], true) {
                continue;
            }
            match &self.states[state] {
                State::Class(..) => {
                    reached.classes.insert(state);
                }
                State::Split(targets) => stack.extend(targets),
                State::Start(target) => stack.extend(at_start.then_some(*target)),
                State::End(target) => ends.push(*target),
                State::Match => reached.matched = true,
            }
        }
        reached.accepted = reached.matched;
        let mut stack = ends;
        while let Some(state) = stack.pop() {
            if std::mem::replace(&mut seen[state], true) {
                continue;
            }
            match &self.states[state] {
                State::Class(..) => {}
                State::Split(targets) => stack.extend(targets),
                State::Start(target) => stack.extend(at_start.then_some(*target)),
                State::End(target) => stack.push(*target),
                State::Match => reached.accepted = true,
            }
        }
        if reached.matched {
            // A match was found; later characters cannot change that.
            reached.classes.clear();
        }
        reached
    }
}

#[derive(Default, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Reached {
    classes: BTreeSet<usize>,
    matched: bool,
    accepted: bool,
}

/// A deterministic automaton over the ASCII characters and one symbol for all other bytes.
struct Dfa {
    next: Vec<Vec<usize>>,
    accepting: Vec<bool>,
}

impl Dfa {
    fn new(nfa: &Nfa) -> Option<Self> {
        let first = nfa.closure(&[nfa.start], true);
        let mut numbers = BTreeMap::from([(first.clone(), 0)]);
        let mut pending = vec![first];
        let mut dfa = Self {
            next: Vec::new(),
            accepting: Vec::new(),
        };
        while let Some(from) = pending.get(dfa.next.len()).cloned() {
            let mut row = Vec::with_capacity(SYMBOLS);
            let mut known = BTreeMap::new();
            for symbol in 0..SYMBOLS {
                if from.matched {
                    row.push(dfa.next.len());
                    continue;
                }
                // The search may start after each byte.
                let mut seeds = vec![nfa.start];
                for &state in &from.classes {
                    if let State::Class(set, target) = nfa.states[state]
                        && symbol < 128
                        && set >> symbol & 1 == 1
                    {
                        seeds.push(target);
                    }
                }
                let number = if let Some(&number) = known.get(&seeds) {
                    number
                } else {
                    let to = nfa.closure(&seeds, false);
                    let count = numbers.len();
                    let number = *numbers.entry(to.clone()).or_insert(count);
                    if number == count {
                        if count == DFA_STATES {
                            return None;
                        }
                        pending.push(to);
                    }
                    known.insert(seeds, number);
                    number
                };
                row.push(number);
            }
            dfa.next.push(row);
            dfa.accepting.push(from.accepted);
        }
        Some(dfa)
    }

    /// Merges equivalent states and equivalent symbols.
    fn minimal(&self) -> Option<Automaton> {
        let blocks = self.blocks();
        let count = blocks.iter().max().map_or(0, |last| last + 1);
        let mut rows = vec![Vec::new(); count];
        let mut accepting = vec![false; count];
        for (state, &block) in blocks.iter().enumerate() {
            rows[block] = self.next[state].iter().map(|&to| blocks[to]).collect();
            accepting[block] = self.accepting[state];
        }
        let is_dead = |block: usize| !accepting[block] && rows[block].iter().all(|&to| to == block);

        // State 0 is dead, even if no dead state is reachable.
        let mut order: Vec<usize> = (0..count).filter(|&block| !is_dead(block)).collect();
        order.sort_by_key(|&block| accepting[block]);
        let mut number = vec![0; count];
        for (index, &block) in order.iter().enumerate() {
            number[block] = u8::try_from(index + 1).ok()?;
        }

        let mut columns: Vec<Vec<u8>> = Vec::new();
        let mut class_of = |symbol: usize| {
            let column: Vec<u8> = order
                .iter()
                .map(|&block| number[rows[block][symbol]])
                .collect();
            let known = columns.iter().position(|known| *known == column);
            known.unwrap_or_else(|| {
                columns.push(column);
                columns.len() - 1
            })
        };
        class_of(BEYOND_ASCII);
        let classes = (0..128)
            .map(|symbol| u8::try_from(class_of(symbol)).ok())
            .collect::<Option<_>>()?;
        let stride = u16::try_from(columns.len()).ok()?;
        let row = |state: u8| u16::from(state).checked_mul(stride);
        let mut next = vec![0; columns.len()];
        for index in 0..order.len() {
            for column in &columns {
                next.push(row(column[index])?);
            }
        }
        let refusing = order.iter().filter(|&&block| !accepting[block]).count();
        Some(Automaton {
            classes,
            next,
            start: row(number[blocks[0]])?,
            accepting: row(u8::try_from(refusing + 1).ok()?)?,
        })
    }

    /// Returns the block of each state after refinement (Moore's algorithm), numbered in order of
    /// states.
    fn blocks(&self) -> Vec<usize> {
        let mut blocks: Vec<usize> = self.accepting.iter().map(|&yes| usize::from(yes)).collect();
        let mut count = 0;
        loop {
            let mut numbers = BTreeMap::new();
            let refined: Vec<usize> = self
                .next
                .iter()
                .zip(&blocks)
                .map(|(row, &block)| {
                    let key: Vec<usize> = std::iter::once(block)
                        .chain(row.iter().map(|&to| blocks[to]))
                        .collect();
                    let fresh = numbers.len();
                    *numbers.entry(key).or_insert(fresh)
                })
                .collect();
            let done = numbers.len() == count;
            count = numbers.len();
            blocks = refined;
            if done {
                return blocks;
            }
        }
    }
}

/// The symbol of all non-ASCII bytes.
const BEYOND_ASCII: usize = 128;
const SYMBOLS: usize = 129;

const NFA_STATES: usize = 5000;
const DFA_STATES: usize = 1000;
