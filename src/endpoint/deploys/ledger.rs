//! The ledger: which announcements were accepted, so that none is twice, and not too many are.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::endpoint::deploys::secret::Code;

/// What was accepted of late. It is the memory of one process: a signature may be used once more after a restart, as
/// long as its time is right.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The signatures, oldest first.
    seen: VecDeque<Code>,
    /// When the last [`MOST_A_MINUTE`] were accepted, oldest first.
    accepted: VecDeque<Instant>,
}

/// Why an announcement is not accepted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Objection {
    Seen,
    /// There were so many that it has to wait this long.
    TooMany(Duration),
}

impl Ledger {
    /// Enters an announcement whose proof is right, with its signature if that is the proof. One that is refused leaves
    /// no trace, so it can be sent again, and does not keep others out.
    ///
    /// A bearer token is never refused for having been seen: who has got hold of such a request has the secret.
    pub(crate) fn enter(
        &mut self,
        signature: Option<&Code>,
        now: Instant,
    ) -> Result<(), Objection> {
        if signature.is_some_and(|signature| self.seen.contains(signature)) {
            return Err(Objection::Seen);
        }
        if let Some(&oldest) = self.accepted.front()
            && self.accepted.len() == MOST_A_MINUTE
        {
            let left = (oldest + MINUTE).saturating_duration_since(now);
            if !left.is_zero() {
                return Err(Objection::TooMany(left));
            }
            self.accepted.pop_front();
        }
        self.accepted.push_back(now);
        if let Some(signature) = signature {
            if self.seen.len() == MOST_SEEN {
                self.seen.pop_front();
            }
            self.seen.push_back(*signature);
        }
        Ok(())
    }
}

// One for each push of a busy team, and then some. Each may cost a walk through a directory.
const MOST_A_MINUTE: usize = 30;

const MINUTE: Duration = Duration::from_secs(60);

// At the most that are accepted, those of the last two hours: far longer than the time of a message may be off. So
// those with a time need no other memory than those without.
const MOST_SEEN: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::deploys::message::WINDOW;

    fn code(n: usize) -> Code {
        let mut code = [0; 32];
        code[..8].copy_from_slice(&n.to_be_bytes());
        code
    }

    #[test]
    fn a_signature_is_good_for_once() {
        let (mut ledger, now) = (Ledger::default(), Instant::now());
        assert_eq!(ledger.enter(Some(&code(1)), now), Ok(()));
        assert_eq!(ledger.enter(Some(&code(1)), now), Err(Objection::Seen));
        assert_eq!(ledger.enter(Some(&code(2)), now), Ok(()));
        assert_eq!(ledger.enter(None, now), Ok(()));
        assert_eq!(ledger.enter(None, now), Ok(()));
        let later = now + Duration::from_secs(3600);
        assert_eq!(ledger.enter(Some(&code(1)), later), Err(Objection::Seen));
    }

    #[test]
    fn what_is_too_much_may_come_again_later() {
        let (mut ledger, start) = (Ledger::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for n in 0..MOST_A_MINUTE {
            assert_eq!(ledger.enter(Some(&code(n)), at(n as u64)), Ok(()));
        }
        let refused = ledger.enter(Some(&code(99)), at(40));
        assert_eq!(refused, Err(Objection::TooMany(Duration::from_secs(20))));
        assert_eq!(ledger.enter(Some(&code(0)), at(40)), Err(Objection::Seen));
        assert_eq!(ledger.enter(Some(&code(99)), at(60)), Ok(()));
        let refused = ledger.enter(None, at(60));
        assert_eq!(refused, Err(Objection::TooMany(Duration::from_secs(1))));
    }

    #[test]
    fn at_full_speed_a_signature_is_remembered_for_longer_than_its_time_is_right() {
        let (mut ledger, start) = (Ledger::default(), Instant::now());
        let end = start + 2 * WINDOW;
        let (mut now, mut n) = (start, 0);
        while now <= end {
            match ledger.enter(Some(&code(n)), now) {
                Ok(()) => n += 1,
                Err(Objection::TooMany(wait)) => now += wait,
                Err(Objection::Seen) => panic!("{n}"),
            }
        }
        assert!(n > 300);
        assert_eq!(ledger.enter(Some(&code(0)), now), Err(Objection::Seen));
    }

    #[test]
    fn the_memory_is_bounded() {
        let (mut ledger, mut now) = (Ledger::default(), Instant::now());
        for n in 0..=MOST_SEEN {
            now += MINUTE;
            assert_eq!(ledger.enter(Some(&code(n)), now), Ok(()));
        }
        assert_eq!(ledger.seen.len(), MOST_SEEN);
        assert!(ledger.accepted.len() <= MOST_A_MINUTE);
    }
}
