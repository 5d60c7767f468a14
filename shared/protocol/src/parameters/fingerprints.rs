//! Which pairs of parameters were seen to be the same? A memory that costs reads when it is lost, and nothing else.
//!
//! A pair is remembered by a fingerprint of its name and of both versions. Whoever writes either of the two gives it
//! another version, and the pair is compared again. Nothing of a value goes into a fingerprint.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::direction::CopyRegions;
use super::entry::Entry;

/// Bytes of a fingerprint: with a million pairs two are alike with a chance of one in 10^26.
const FINGERPRINT_BYTES: usize = 16;

type Fingerprint = [u8; FINGERPRINT_BYTES];

/// The pairs that were seen to be the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprints(BTreeSet<Fingerprint>);

impl Fingerprints {
    /// Reads what [`Fingerprints::to_bytes`] wrote. What is left over at the end is not read.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.as_chunks::<FINGERPRINT_BYTES>().0.iter().copied().collect())
    }

    /// All fingerprints, one after the other.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flatten().copied().collect()
    }

    /// Whether this pair was seen to be the same.
    pub fn holds(&self, direction: &CopyRegions, source: &Entry, copy: &Entry) -> bool {
        self.0.contains(&fingerprint(direction, source, copy))
    }

    /// Remembers that this pair is the same.
    pub fn note(&mut self, direction: &CopyRegions, source: &Entry, copy: &Entry) {
        self.0.insert(fingerprint(direction, source, copy));
    }

    /// How many pairs are remembered.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn fingerprint(direction: &CopyRegions, source: &Entry, copy: &Entry) -> Fingerprint {
    let mut hash = Sha256::new();
    for text in [&direction.from, &direction.to, &source.name] {
        // With its length before it, no text runs into the next one.
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    for entry in [source, copy] {
        hash.update(entry.version.to_be_bytes());
        hash.update(entry.modified_ms.to_be_bytes());
    }
    let mut fingerprint = [0; FINGERPRINT_BYTES];
    for (byte, from) in fingerprint.iter_mut().zip(hash.finalize()) {
        *byte = from;
    }
    fingerprint
}
