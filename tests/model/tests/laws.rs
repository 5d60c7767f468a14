//! Is every law tried by a proof? No file with property tests is left out of its list.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use model::laws::FILES;

/// Every Rust file below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The package of a file, and the module that it is in its test program: `protocol` and `laws::order::`. Where a program has a
/// folder of its own, its name comes first.
fn module_of(path: &Path) -> (String, String) {
    let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    let tests = parts.iter().rposition(|part| *part == "tests").expect("property tests stand under tests/");
    let mut module = String::new();
    for part in &parts[tests + 1..] {
        module.push_str(part.trim_end_matches(".rs"));
        module.push_str("::");
    }
    (parts[tests - 1].to_owned(), module)
}

#[test]
fn every_file_with_property_tests_is_in_the_list_of_laws() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the checkout");
    let mut files = Vec::new();
    for folder in ["shared", "functions"] {
        sources(&root.join(folder), &mut files);
    }
    let mut laws = 0;
    for file in files {
        if !std::fs::read_to_string(&file).expect("a text").contains("\nproptest! {") {
            continue;
        }
        laws += 1;
        let (package, module) = module_of(file.strip_prefix(&root).expect("below the root"));
        let is_listed = FILES.iter().any(|(known, target, of)| {
            // A part of a test's name may follow the module's.
            let of = of.rfind("::").map_or("", |end| &of[..end + 2]);
            let module = module.strip_prefix(&format!("{target}::")).unwrap_or(&module);
            *known == package && module.starts_with(of)
        });
        assert!(is_listed, "{} is tried by no proof; add it to laws::FILES", file.display());
    }
    assert!(laws >= 10, "only {laws} files with laws were found");
}
