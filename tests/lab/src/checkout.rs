//! Where things lie in the checkout. Everything the lab makes is under `.lab`.

use std::path::{Path, PathBuf};

/// The checkout's root.
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_path_buf()
}

/// What the lab makes.
pub fn lab_dir() -> PathBuf {
    root().join(".lab")
}

/// The functions' packages for the local world.
pub fn packages_dir() -> PathBuf {
    lab_dir().join("packages")
}

/// The Python package that is the launcher lies here.
pub fn launcher_parent() -> PathBuf {
    root().join("tests/lab")
}
