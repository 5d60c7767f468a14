//! Any bytes, as JSON, by SNS and by EventBridge: no panic, and nothing comes of them. See CONTRIBUTING.md for how to run it.

#![no_main]

#[path = "../../tests/envelopes/harmless.rs"]
mod harmless;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harmless::check(bytes));
