//! Are the figures of a run true? What users saw from outside is kept in a ledger ([`ledger`]); what the run reported of itself
//! is held against it ([`verdict`]). Neither asks Pilotlight for anything that it measures. The program plays runs in the local
//! world with real databases, each drawn from a seed ([`scenario`]), and prints both side by side ([`table`]).

pub mod ledger;
pub mod scenario;
pub mod table;
pub mod verdict;
