//! What only an applied stack can show: each check moves something in the local world, or asks what it must not be given.

pub mod accounts;
pub mod failover_check;
pub mod gate;
pub mod roles;
pub mod single_route;
