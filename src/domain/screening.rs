//! First match wins: which outcome a record gets.
