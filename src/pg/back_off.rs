//! Guessing passwords takes longer with every guess: what an address has failed at costs it time,
//! whatever connection it comes by.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::Mutex;

/// Addresses that are remembered at once; the one whose last failure is longest ago goes.
const ADDRESSES_MAX: usize = 10_000;
/// After the first failure; doubled by each of the next.
const FIRST: Duration = Duration::from_millis(200);
/// Never more.
const LONGEST: Duration = Duration::from_secs(10);
/// Failures that are so old are forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(10);

/// Failures by address.
#[derive(Debug, Default)]
pub(super) struct BackOff {
    failures: Mutex<HashMap<IpAddr, (u32, Duration)>>,
}

impl BackOff {
    /// An address has failed: how long it waits for the answer.
    pub(super) fn failed(&self, address: Option<IpAddr>, now: Duration) -> Duration {
        let Some(address) = address else { return FIRST };
        let mut failures = self.failures.lock();
        if failures.len() >= ADDRESSES_MAX && !failures.contains_key(&address) {
            let oldest = failures.iter().min_by_key(|(_, (_, last))| *last).map(|(old, _)| *old);
            if let Some(oldest) = oldest {
                failures.remove(&oldest);
            }
        }
        let (count, last) = failures.entry(address).or_default();
        if now.saturating_sub(*last) > FORGOTTEN_AFTER {
            *count = 0;
        }
        let delay = FIRST.saturating_mul(1 << (*count).min(16)).min(LONGEST);
        *count = count.saturating_add(1);
        *last = now;
        delay
    }

    /// An address has proved itself.
    pub(super) fn succeeded(&self, address: Option<IpAddr>) {
        if let Some(address) = address {
            self.failures.lock().remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BackOff, FIRST, FORGOTTEN_AFTER, LONGEST};
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    #[test]
    fn each_guess_takes_longer_until_one_is_right() {
        let (back_off, here) = (BackOff::default(), Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        let there = Some(IpAddr::V4(Ipv4Addr::BROADCAST));
        let at = Duration::from_secs(1000);
        assert_eq!(back_off.failed(here, at), FIRST);
        assert_eq!(back_off.failed(here, at), FIRST * 2);
        assert_eq!(back_off.failed(there, at), FIRST);
        for _ in 0..50 {
            assert!(back_off.failed(here, at) <= LONGEST);
        }
        back_off.succeeded(here);
        assert_eq!(back_off.failed(here, at), FIRST);
        assert_eq!(back_off.failed(here, at + FORGOTTEN_AFTER * 2), FIRST);
    }
}
