//! One file for each thing that is asked for: what is sent, and what is shown of the answer.

pub(crate) mod commands;
pub(crate) mod doctor;
pub(crate) mod history;
pub(crate) mod parameters;
pub(crate) mod plan;
pub(crate) mod readiness;
pub(crate) mod report;
pub(crate) mod snapshots;
pub(crate) mod status;
