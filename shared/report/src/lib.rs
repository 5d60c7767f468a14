//! A run in words, for people: its timeline from the journal's records, and what was measured of it. No I/O: programs load the
//! records and print the text.

pub mod measured;
pub mod timeline;
