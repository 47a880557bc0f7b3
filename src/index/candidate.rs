//! Candidates while an index is searched: a distance and what it leads to, in one number, and the
//! best of many of them.

/// A distance and a node, row or list, ordered by both: the distance's bits, turned so that they
/// order as it does, over the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate(u64);

impl Candidate {
    #[inline]
    pub(super) fn new(distance: f32, number: u32) -> Self {
        let bits = distance.to_bits();
        let turned = bits ^ (((bits as i32 >> 31) as u32) | 0x8000_0000);
        Self(u64::from(turned) << 32 | u64::from(number))
    }

    #[inline]
    pub(super) fn number(self) -> u32 {
        self.0 as u32
    }

    #[inline]
    pub(super) fn distance(self) -> f32 {
        let turned = (self.0 >> 32) as u32;
        let sign = if turned >> 31 == 1 { 0x8000_0000 } else { u32::MAX };
        f32::from_bits(turned ^ sign)
    }

    /// Whether it is farther away, whatever it leads to.
    #[inline]
    pub(super) fn is_farther_than(self, other: Self) -> bool {
        self.0 >> 32 > other.0 >> 32
    }
}

/// Keeps the best of many: collects twice as many as wanted, then drops the worse half. Cheaper
/// than a heap while candidates are many and most of them are worse than what is known.
#[derive(Debug)]
pub(super) struct Best {
    wanted: usize,
    kept: Vec<Candidate>,
    /// What a candidate must be below.
    bound: Option<Candidate>,
}

impl Best {
    pub(super) fn new(wanted: usize) -> Self {
        Self { wanted: wanted.max(1), kept: Vec::new(), bound: None }
    }

    /// The distance that a candidate must not exceed to be kept.
    #[inline]
    pub(super) fn threshold(&self) -> f32 {
        self.bound.map_or(f32::INFINITY, Candidate::distance)
    }

    #[inline]
    pub(super) fn push(&mut self, candidate: Candidate) {
        if self.bound.is_none_or(|bound| candidate < bound) {
            self.keep(candidate);
        }
    }

    fn keep(&mut self, candidate: Candidate) {
        self.kept.push(candidate);
        if self.kept.len() >= self.wanted.saturating_mul(2) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.kept.len() > self.wanted {
            let (_, worst, _) = self.kept.select_nth_unstable(self.wanted - 1);
            self.bound = Some(*worst);
            self.kept.truncate(self.wanted);
        }
    }

    /// The best ones, in no particular order.
    pub(super) fn into_kept(mut self) -> Vec<Candidate> {
        self.cut();
        self.kept
    }
}
