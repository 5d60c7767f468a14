//! What does a verb work with? The functions, the plan that is meant, and the machine that the program runs on.

use std::io;
use std::path::{Path, PathBuf};

use ports::Clock;
use protocol::incoming::command::Function;
use protocol::name::Name;

use crate::discovery::function_of;
use crate::installation::Installation;

/// What the program is told by the machine it runs on.
pub trait Surroundings {
    /// A variable of the environment.
    fn variable(&self, name: &str) -> Option<String>;
    /// The directory that a file is looked for from.
    fn directory(&self) -> PathBuf;
    /// Whether a person sits at a terminal and can be asked.
    fn is_attended(&self) -> bool;
    /// What that person types, up to the end of the line.
    fn typed(&self) -> io::Result<String>;
    /// A file, or the standard input for `-`.
    fn read(&self, path: &Path) -> io::Result<String>;
}

/// What a verb works with.
pub(crate) struct Desk<'d> {
    pub(crate) plan: Name,
    pub(crate) installation: &'d dyn Installation,
    pub(crate) clock: &'d dyn Clock,
    pub(crate) surroundings: &'d dyn Surroundings,
}

impl Desk<'_> {
    /// What a function of the plan is called.
    pub(crate) fn function(&self, function: Function) -> String {
        function_of(&self.plan, function)
    }
}

/// The program and its version.
pub(crate) fn version() -> String {
    format!("pilotlight {}", env!("CARGO_PKG_VERSION"))
}
