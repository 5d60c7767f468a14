//! The local two-region world: two regions of an emulated AWS behind the gateway, the real Terraform applied to it,
//! the real functions in it, users in front of it; and the story of a lost region told in it.

#![expect(clippy::print_stdout, reason = "this is a command: what it prints is what it is for")]

pub mod checkout;
pub mod checks;
pub mod cloud;
pub mod demo;
pub mod terraform;
pub mod world;

/// Says what is being done, with the time since the command began.
pub fn say(words: &str) {
    show(&format!("[{:6.1} s] {words}", started().elapsed().as_secs_f64()));
}

/// Shows a line. When nobody reads any more, what was started must still be ended: that is no reason to fail.
pub fn show(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{line}");
}

#[expect(clippy::disallowed_methods, reason = "the lab lives in real time")]
fn started() -> std::time::Instant {
    static STARTED: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    *STARTED.get_or_init(std::time::Instant::now)
}
