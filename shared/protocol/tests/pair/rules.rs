//! Each rule by itself, at its limits.
