//! What is a fresh, unique text? A ULID: 80 random bits behind the time in milliseconds.

use ports::Ids;
use ulid::Ulid;

/// Fresh ULIDs.
#[derive(Clone, Copy, Debug, Default)]
pub struct FreshUlids;

impl Ids for FreshUlids {
    fn fresh(&self) -> String {
        Ulid::generate().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_given_twice() {
        let seen: std::collections::BTreeSet<String> = (0..10_000).map(|_| FreshUlids.fresh()).collect();
        assert_eq!(seen.len(), 10_000);
    }
}
