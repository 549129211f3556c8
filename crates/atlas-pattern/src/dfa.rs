//! Matching by a table of states.

/// A minimal automaton over bytes, as `atlas-codegen` writes it.
///
/// A state is the place of its row in `next`. State 0 is dead: no text that reaches it matches.
pub(crate) struct Dfa {
    /// The class of each ASCII byte. All bytes beyond ASCII are in class 0.
    pub(crate) classes: &'static [u8; 128],
    /// The next state for each class, one row a state.
    pub(crate) next: &'static [u16],
    /// The state before the first byte.
    pub(crate) start: u16,
    /// The first of the accepting states, which come last.
    pub(crate) accepting: u16,
}

impl Dfa {
    /// Whether the automaton accepts the text.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        let mut state = self.start;
        for &byte in text.as_bytes() {
            let class = self.classes.get(usize::from(byte)).copied().unwrap_or(0);
            let cell = usize::from(state) + usize::from(class);
            state = self.next.get(cell).copied().unwrap_or(DEAD);
            if state == DEAD {
                return false;
            }
        }
        state >= self.accepting
    }
}

const DEAD: u16 = 0;
