//! Random delays, so that not all clients act at once.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::ops::RangeInclusive;

/// A random number in the range: good enough to spread clients over time, and for nothing else.
pub(crate) fn random_in(range: RangeInclusive<u64>) -> u64 {
    let (low, high) = (*range.start(), *range.end());
    // Every `RandomState` has other keys.
    low + RandomState::new().hash_one(0) % (high - low + 1)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn random_numbers_differ_within_the_range() {
        let numbers: HashSet<_> = (0..50).map(|_| random_in(2000..=6000)).collect();
        assert!(numbers.len() > 10);
        assert!(numbers.iter().all(|number| (2000..=6000).contains(number)));
    }
}
