//! Parses the subset of ECMA-262 patterns that can be compiled.
//!
//! ASCII characters, escapes of punctuation, `\d`, `\w`, classes of them without negation, groups,
//! alternatives, `^`, `$` and quantifiers. Classes with `\p{L}\p{N}` only as a whole pattern
//! `^[\p{L}\p{N}…]{m,n}$`. Everything else is refused, including syntax that engines interpret
//! differently.

use super::Error;

/// A parsed pattern.
pub(super) enum Parsed {
    /// One repeated class with letters and numbers of any script, as the whole pattern.
    Characters(Characters),
    /// Any other pattern in the subset.
    Regular(Node),
}

/// Texts of letters, numbers and the given ASCII characters.
pub(super) struct Characters {
    ascii: u128,
    minimum: usize,
    maximum: Option<usize>,
}

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// `^`
    Start,
    /// `$`
    End,
    /// One ASCII character of a set, one bit each.
    Class(u128),
    /// One letter or number of any script, or an ASCII character of a set.
    Letters(u128),
    /// A sequence; matches the empty text if it is empty.
    Concat(Vec<Self>),
    /// Alternatives.
    Alternate(Vec<Self>),
    /// A repetition, without an upper bound if there is no maximum.
    Repeat(Box<Self>, usize, Option<usize>),
}

/// Parses a pattern.
pub(super) fn parse(pattern: &str) -> Result<Parsed, Error> {
    let mut parser = Parser {
        pattern,
        characters: pattern.chars().collect(),
        at: 0,
        depth: 0,
        letters: None,
    };
    let node = parser.alternatives()?;
    if parser.at < parser.characters.len() {
        return Err(parser.unsupported("an unmatched closing parenthesis"));
    }
    let Some(position) = parser.letters else {
        return Ok(Parsed::Regular(node));
    };
    if let Node::Concat(parts) = &node
        && let [Node::Start, repeated, Node::End] = &parts[..]
        && let (class, minimum, maximum) = match repeated {
            Node::Repeat(class, minimum, maximum) => (&**class, *minimum, *maximum),
            class => (class, 1, Some(1)),
        }
        && let Node::Letters(ascii) = *class
    {
        return Ok(Parsed::Characters(Characters {
            ascii,
            minimum,
            maximum,
        }));
    }
    parser.at = position;
    Err(parser.unsupported("\\p{L}\\p{N} next to other parts"))
}

impl Characters {
    /// Returns the constructor's call.
    pub(super) fn rust(&self) -> String {
        let others: String = (0..128_u8)
            .filter(|byte| self.ascii >> byte & 1 == 1 && !byte.is_ascii_alphanumeric())
            .map(char::from)
            .collect();
        let maximum = match self.maximum {
            Some(maximum) => maximum.to_string(),
            None => "usize::MAX".to_owned(),
        };
        format!(
            "Characters::new(b\"{}\", {}, {maximum})",
            others
                .as_bytes()
                .escape_ascii()
                .to_string()
                .replace("\\'", "'"),
            self.minimum
        )
    }
}

struct Parser<'a> {
    pattern: &'a str,
    characters: Vec<char>,
    at: usize,
    depth: usize,
    /// The position of the first `\p`.
    letters: Option<usize>,
}

impl Parser<'_> {
    fn alternatives(&mut self) -> Result<Node, Error> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.unsupported("groups nested too deeply"));
        }
        let mut alternatives = vec![self.sequence()?];
        while self.take('|') {
            alternatives.push(self.sequence()?);
        }
        self.depth -= 1;
        Ok(match alternatives.len() {
            1 => alternatives.remove(0),
            _ => Node::Alternate(alternatives),
        })
    }

    fn sequence(&mut self) -> Result<Node, Error> {
        let mut parts = Vec::new();
        while let Some(next) = self.peek() {
            if matches!(next, '|' | ')') {
                break;
            }
            let atom = self.atom()?;
            parts.push(self.quantified(atom)?);
        }
        Ok(match parts.len() {
            1 => parts.remove(0),
            _ => Node::Concat(parts),
        })
    }

    fn atom(&mut self) -> Result<Node, Error> {
        let Some(next) = self.peek() else {
            return Err(self.unsupported("the end of the pattern"));
        };
        match next {
            '^' => {
                self.at += 1;
                Ok(Node::Start)
            }
            '$' => {
                self.at += 1;
                Ok(Node::End)
            }
            '(' => {
                self.at += 1;
                if self.take('?') && !self.take(':') {
                    self.at -= 1;
                    return Err(self.unsupported("a lookaround, a named group or a flag"));
                }
                let node = self.alternatives()?;
                if !self.take(')') {
                    return Err(self.unsupported("an unclosed group"));
                }
                Ok(node)
            }
            '[' => self.class(),
            '\\' => {
                let set = self.escape()?;
                Ok(Node::Class(set))
            }
            '.' => Err(self.unsupported("an unescaped dot, which engines interpret differently")),
            '*' | '+' | '?' | '{' | '}' | ']' => {
                Err(self.unsupported("a special character without a meaning here"))
            }
            _ => Ok(Node::Class(self.literal()?)),
        }
    }

    /// Parses the quantifier after an atom, if there is one.
    fn quantified(&mut self, atom: Node) -> Result<Node, Error> {
        let position = self.at;
        let (minimum, maximum) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                self.at += 1;
                let minimum = self.number()?;
                let maximum = if self.take(',') {
                    match self.peek() {
                        Some('}') => None,
                        _ => Some(self.number()?),
                    }
                } else {
                    Some(minimum)
                };
                if self.peek() != Some('}') {
                    return Err(self.unsupported("an unclosed quantifier"));
                }
                (minimum, maximum)
            }
            _ => return Ok(atom),
        };
        self.at += 1;
        // A lazy quantifier matches the same texts.
        self.take('?');
        if maximum.is_some_and(|maximum| maximum < minimum) {
            self.at = position;
            return Err(self.unsupported("a quantifier whose bounds are out of order"));
        }
        if matches!(atom, Node::Start | Node::End) {
            self.at = position;
            return Err(self.unsupported("a quantifier after an anchor"));
        }
        if matches!(self.peek(), Some('*' | '+' | '?' | '{')) {
            return Err(self.unsupported("a quantifier after a quantifier"));
        }
        Ok(Node::Repeat(Box::new(atom), minimum, maximum))
    }

    fn number(&mut self) -> Result<usize, Error> {
        let mut number = None;
        while let Some(digit) = self.peek().and_then(|digit| digit.to_digit(10)) {
            let next = number.unwrap_or(0) * 10 + digit as usize;
            if next > REPEATS {
                return Err(self.unsupported("a quantifier above 1000"));
            }
            number = Some(next);
            self.at += 1;
        }
        number.ok_or_else(|| self.unsupported("a quantifier without a number"))
    }

    fn class(&mut self) -> Result<Node, Error> {
        let start = self.at;
        self.at += 1;
        if self.peek() == Some('^') {
            return Err(self.unsupported("a negated class"));
        }
        let mut set = 0;
        let (mut letter, mut number) = (false, false);
        loop {
            let item = match self.peek() {
                None => {
                    self.at = start;
                    return Err(self.unsupported("an unclosed class"));
                }
                Some(']') => break,
                Some('[') => {
                    return Err(self.unsupported("a bracket that engines interpret differently"));
                }
                Some('\\') if self.characters.get(self.at + 1) == Some(&'p') => {
                    self.letters.get_or_insert(self.at);
                    let property: String = self.characters.iter().skip(self.at).take(5).collect();
                    match property.as_str() {
                        r"\p{L}" => letter = true,
                        r"\p{N}" => number = true,
                        _ => return Err(self.unsupported("a property other than L and N")),
                    }
                    self.at += 5;
                    continue;
                }
                Some('\\') => self.escape()?,
                Some(_) => self.literal()?,
            };
            let range = self.peek() == Some('-')
                && !matches!(self.characters.get(self.at + 1), None | Some(']'));
            if !range {
                set |= item;
                continue;
            }
            self.at += 1;
            let last = match self.peek() {
                Some('\\') => self.escape()?,
                Some('[') | None => {
                    return Err(self.unsupported("a bracket that engines interpret differently"));
                }
                Some(_) => self.literal()?,
            };
            // Each side is a set with one character: the range is all bits between them.
            if item.count_ones() != 1 || last.count_ones() != 1 || last < item {
                self.at -= 1;
                return Err(self.unsupported("a range that does not run between two characters"));
            }
            set |= last | (last - item);
        }
        self.at += 1;
        match (letter, number) {
            (true, true) => Ok(Node::Letters(set | ALPHANUMERIC)),
            (false, false) if set != 0 => Ok(Node::Class(set)),
            (false, false) => {
                self.at = start;
                Err(self.unsupported("an empty class"))
            }
            _ => {
                self.at = start;
                Err(self.unsupported("\\p{L} without \\p{N}, or the other way round"))
            }
        }
    }

    /// Parses an escape of ASCII characters.
    fn escape(&mut self) -> Result<u128, Error> {
        let set = match self.characters.get(self.at + 1) {
            Some('d') => DIGITS,
            Some('w') => ALPHANUMERIC | bit('_'),
            Some(punctuation) if punctuation.is_ascii_punctuation() => bit(*punctuation),
            _ => return Err(self.unsupported("an escape other than \\d, \\w and punctuation")),
        };
        self.at += 2;
        Ok(set)
    }

    /// Parses a literal character.
    fn literal(&mut self) -> Result<u128, Error> {
        match self.peek() {
            Some(literal) if literal.is_ascii() => {
                self.at += 1;
                Ok(bit(literal))
            }
            _ => Err(self.unsupported("a non-ASCII character")),
        }
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn unsupported(&self, problem: &'static str) -> Error {
        Error::Unsupported {
            pattern: self.pattern.to_owned(),
            problem,
            position: self.at + 1,
        }
    }
}

/// The set of one ASCII character.
const fn bit(character: char) -> u128 {
    1 << (character as u32 & 127)
}

/// The maximum nesting of groups.
const DEPTH: usize = 50;

/// The maximum bound of a quantifier.
const REPEATS: usize = 1000;

const DIGITS: u128 = 0x3ff << b'0';
const ALPHANUMERIC: u128 = DIGITS | 0x3ff_ffff << b'A' | 0x3ff_ffff << b'a';
