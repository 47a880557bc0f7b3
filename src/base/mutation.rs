//! Bytes that nobody meant to send: seeds, changed at random, for what reads bytes from clients,
//! disks and networks. The changes of a run are always the same ones, so that a failure repeats;
//! with `REDKITE_FUZZ_SECONDS` in the environment a run goes on for so long, from another start
//! each time, and tells it.

use std::time::{Duration, Instant};

use super::{OsRandom, Random, SeededRandom};

/// Changed seeds in a run without a time.
const ROUNDS: u64 = 5_000;
/// Numbers that decide about lengths and counts.
const EDGES: [u8; 8] = [0, 1, 0x7f, 0x80, 0xfe, 0xff, b'\n', b'"'];

/// Shows changed seeds to a reader, which must neither panic nor hang.
#[expect(clippy::print_stdout, reason = "a long run says what it did")]
pub(crate) fn run(name: &str, seeds: &[Vec<u8>], mut reader: impl FnMut(&[u8])) {
    for seed in seeds {
        reader(seed);
        for end in 0..seed.len().min(256) {
            reader(&seed[..end]);
        }
    }
    let seconds = std::env::var("REDKITE_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let start = if seconds.is_some() { OsRandom.u64() } else { 0 };
    let end = seconds.map(|seconds| now() + Duration::from_secs(seconds));
    let mut round = 0;
    while end.map_or(round < ROUNDS, |end| round % 256 != 0 || now() < end) {
        let number = start.wrapping_add(round);
        let bytes = changed(seeds, number);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| reader(&bytes)));
        assert!(outcome.is_ok(), "{name}: number {number}: {bytes:?}");
        round += 1;
    }
    if seconds.is_some() {
        println!("{name}: {round} inputs from {start}");
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a test runs is real time")]
fn now() -> Instant {
    Instant::now()
}

/// The seed of a number, changed in one to eight places.
fn changed(seeds: &[Vec<u8>], number: u64) -> Vec<u8> {
    let random = SeededRandom::new(number);
    let below = |limit: usize| {
        let limit = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from(random.u64() % limit).unwrap_or(0)
    };
    let mut bytes = seeds[below(seeds.len())].clone();
    for _ in 0..=below(8) {
        let at = below(bytes.len());
        match below(8) {
            _ if bytes.is_empty() => bytes.push(EDGES[below(EDGES.len())]),
            0 => bytes[at] ^= 1 << below(8),
            1 => bytes[at] = EDGES[below(EDGES.len())],
            2 => bytes.truncate(at),
            3 => bytes.insert(at, EDGES[below(EDGES.len())]),
            4 => drop(bytes.remove(at)),
            5 => {
                // A piece again, somewhere else.
                let piece: Vec<u8> = bytes[at..(at + 1 + below(16)).min(bytes.len())].to_vec();
                let to = below(bytes.len());
                bytes.splice(to..to, piece);
            }
            6 => {
                // The end of another seed.
                let other = &seeds[below(seeds.len())];
                bytes.truncate(at);
                bytes.extend_from_slice(&other[below(other.len())..]);
            }
            _ => {
                // A length or count of four bytes.
                let edge = [0, 1, u32::MAX, 0x7fff_ffff, 0x1000_0000][below(5)].to_be_bytes();
                let end = (at + 4).min(bytes.len());
                bytes.splice(at..end, edge);
            }
        }
    }
    bytes
}
