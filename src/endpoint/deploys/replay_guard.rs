//! Replay protection and rate limit of announcements.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::endpoint::deploys::secret::SignatureCode;

/// The recently admitted announcements. They are kept in memory: a signature can be used once more after a restart, while
/// its time is valid.
#[derive(Debug, Default)]
pub(crate) struct ReplayGuard {
    /// Used signatures, oldest first.
    used: VecDeque<SignatureCode>,
    /// When the last [`MAX_PER_MINUTE`] were admitted, oldest first.
    admitted: VecDeque<Instant>,
}

/// Why an announcement is not admitted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// The signature was used before.
    Replayed,
    /// Too many announcements; the next one is admitted after this time.
    RateLimited(Duration),
}

impl ReplayGuard {
    /// Admits an announcement with valid credentials, and with its signature if it has one. A rejected announcement is
    /// not recorded: it can be sent again, and does not count for others.
    ///
    /// A bearer token is never rejected as replayed: a client that can replay such a request has the secret.
    pub(crate) fn admit(
        &mut self,
        signature: Option<&SignatureCode>,
        now: Instant,
    ) -> Result<(), Rejection> {
        if signature.is_some_and(|signature| self.used.contains(signature)) {
            return Err(Rejection::Replayed);
        }
        if let Some(&oldest) = self.admitted.front()
            && self.admitted.len() == MAX_PER_MINUTE
        {
            let wait = (oldest + MINUTE).saturating_duration_since(now);
            if !wait.is_zero() {
                return Err(Rejection::RateLimited(wait));
            }
            self.admitted.pop_front();
        }
        self.admitted.push_back(now);
        if let Some(signature) = signature {
            if self.used.len() == MAX_USED {
                self.used.pop_front();
            }
            self.used.push_back(*signature);
        }
        Ok(())
    }
}

// More than a busy team pushes. Each may cost a scan of a directory.
const MAX_PER_MINUTE: usize = 30;

const MINUTE: Duration = Duration::from_secs(60);

// At the highest rate, those of the last two hours: far more than the allowed clock skew. So payloads with a time need no
// other memory than those without.
const MAX_USED: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::deploys::payload::MAX_CLOCK_SKEW;

    fn code(n: usize) -> SignatureCode {
        let mut code = [0; 32];
        code[..8].copy_from_slice(&n.to_be_bytes());
        code
    }

    #[test]
    fn signature_used_twice_is_rejected() {
        let (mut guard, now) = (ReplayGuard::default(), Instant::now());
        assert_eq!(guard.admit(Some(&code(1)), now), Ok(()));
        assert_eq!(guard.admit(Some(&code(1)), now), Err(Rejection::Replayed));
        assert_eq!(guard.admit(Some(&code(2)), now), Ok(()));
        assert_eq!(guard.admit(None, now), Ok(()));
        assert_eq!(guard.admit(None, now), Ok(()));
        let later = now + Duration::from_secs(3600);
        assert_eq!(guard.admit(Some(&code(1)), later), Err(Rejection::Replayed));
    }

    #[test]
    fn announcement_over_the_rate_is_admitted_later() {
        let (mut guard, start) = (ReplayGuard::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for n in 0..MAX_PER_MINUTE {
            assert_eq!(guard.admit(Some(&code(n)), at(n as u64)), Ok(()));
        }
        let rejected = guard.admit(Some(&code(99)), at(40));
        assert_eq!(
            rejected,
            Err(Rejection::RateLimited(Duration::from_secs(20)))
        );
        assert_eq!(
            guard.admit(Some(&code(0)), at(40)),
            Err(Rejection::Replayed)
        );
        assert_eq!(guard.admit(Some(&code(99)), at(60)), Ok(()));
        let rejected = guard.admit(None, at(60));
        assert_eq!(
            rejected,
            Err(Rejection::RateLimited(Duration::from_secs(1)))
        );
    }

    #[test]
    fn signature_at_the_highest_rate_outlives_the_clock_skew() {
        let (mut guard, start) = (ReplayGuard::default(), Instant::now());
        let end = start + 2 * MAX_CLOCK_SKEW;
        let (mut now, mut n) = (start, 0);
        while now <= end {
            match guard.admit(Some(&code(n)), now) {
                Ok(()) => n += 1,
                Err(Rejection::RateLimited(wait)) => now += wait,
                Err(Rejection::Replayed) => panic!("{n}"),
            }
        }
        assert!(n > 300);
        assert_eq!(guard.admit(Some(&code(0)), now), Err(Rejection::Replayed));
    }

    #[test]
    fn memory_is_bounded() {
        let (mut guard, mut now) = (ReplayGuard::default(), Instant::now());
        for n in 0..=MAX_USED {
            now += MINUTE;
            assert_eq!(guard.admit(Some(&code(n)), now), Ok(()));
        }
        assert_eq!(guard.used.len(), MAX_USED);
        assert!(guard.admitted.len() <= MAX_PER_MINUTE);
    }
}
