//! A parameter's value. It shows nowhere, and is wiped when it is dropped.

use std::fmt;

use zeroize::Zeroizing;

/// A value that must not be seen. It is neither printed nor serialized; only [`Secret::expose`] gives it away.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a value in. The text itself becomes the secret: no copy is left behind.
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_in_no_form_not_even_its_length() {
        let secret = Secret::new("canary".to_owned());
        let forms = [
            format!("{secret}"),
            format!("{secret:>40}"),
            format!("{secret:?}"),
            format!("{secret:#?}"),
            format!("{:?}", Some(&secret)),
            format!("{:?}", (&secret, vec![secret.clone()])),
        ];
        for form in forms {
            assert!(!form.contains("canary") && form.contains("a secret"), "{form}");
        }
        assert_eq!(format!("{secret:?}"), format!("{:?}", Secret::new(String::new())));
    }

    #[test]
    fn secrets_are_compared_by_value() {
        assert_eq!(Secret::new("a".to_owned()), Secret::new("a".to_owned()));
        assert_ne!(Secret::new("a".to_owned()), Secret::new("b".to_owned()));
    }
}
