//! How does a function run? Its settings, its log, its clock and ids, the Lambda runtime, and the ports on AWS that every function
//! has.
//!
//! A function's `main` opens the log, reads the [`settings`], builds the ports that its handler names and hands it to
//! [`lambda::serve`]. Nothing is called before the first invocation.

pub mod clock;
pub mod ids;
pub mod lambda;
pub mod log;
pub mod settings;
pub mod start;
