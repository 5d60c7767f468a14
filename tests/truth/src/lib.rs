//! Are the figures of a run true? What users saw from outside is kept in a ledger ([`ledger`]); what the run reported of itself
//! is held against it ([`verdict`]). Neither asks Pilotlight for anything that it measures.

pub mod ledger;
pub mod verdict;
