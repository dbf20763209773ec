//! Conditions and the one judge of them: does this record match, and why.
