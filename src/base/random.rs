//! Randomness as a trait, so that a seeded simulation can drive it.

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use uuid::Uuid;

/// Where every part of Redkite takes random bytes from.
pub trait Random: Send + Sync + std::fmt::Debug {
    /// Fills the buffer with random bytes, fit for keys and salts when the source is
    /// [`OsRandom`].
    fn fill(&self, bytes: &mut [u8]);

    /// A fresh random (version 4) UUID.
    fn uuid(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// A random number.
    fn u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

/// The operating system's generator.
#[derive(Debug, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    #[expect(clippy::disallowed_methods, reason = "this is the one real implementation")]
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// A generator that repeats itself for the same seed.
#[derive(Debug)]
pub struct SeededRandom {
    state: Mutex<StdRng>,
}

impl SeededRandom {
    /// The generator of this seed.
    pub fn new(seed: u64) -> Self {
        Self { state: Mutex::new(StdRng::seed_from_u64(seed)) }
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        self.state.lock().fill_bytes(bytes);
    }
}
