//! What tells one plan's text from every other.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// The SHA-256 of a plan's text in lower-case hexadecimal digits, as Terraform's `sha256` writes it.
pub fn checksum(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_what_terraform_writes() {
        // terraform console: sha256("shop"), sha256("")
        assert_eq!(checksum("shop"), "8d9001d32c6a703d95921a77115050f33dd823d3f1730bd35215dcbecad6dc20");
        assert_eq!(checksum(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
