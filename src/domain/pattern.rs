//! Criteria patterns: text to tree and back, with columns for errors.

/// How conditions are joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// The condition of this number; the first is 1.
    Condition(usize),
    /// The opposite.
    Not(Box<Pattern>),
    /// All of them; at least two.
    And(Vec<Pattern>),
    /// Any of them; at least two.
    Or(Vec<Pattern>),
}
