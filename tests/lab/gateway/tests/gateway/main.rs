//! The gateway as its users meet it: over real connections, in front of a fake upstream that remembers what it saw.

#[cfg(test)]
mod blackout;
#[cfg(test)]
mod carriage;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod control;
#[cfg(test)]
mod data_plane;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod passage;
#[cfg(test)]
mod program;
#[cfg(test)]
mod world;
