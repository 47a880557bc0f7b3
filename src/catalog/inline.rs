//! The segments of a table that live in metadata, with their bytes.

use crate::base::SegmentId;

/// Segments in metadata. How many bytes they are is asked for by every commit.
#[derive(Clone, Debug, Default)]
pub struct InlineSegments {
    bytes_of: imbl::OrdMap<SegmentId, usize>,
    bytes: usize,
}

impl InlineSegments {
    /// The bytes of all.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.bytes_of.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes_of.is_empty()
    }

    /// Whether this is one of them.
    pub fn contains(&self, id: &SegmentId) -> bool {
        self.bytes_of.contains_key(id)
    }

    pub(super) fn insert(&mut self, id: SegmentId, bytes: usize) {
        let before = self.bytes_of.insert(id, bytes).unwrap_or_default();
        self.bytes = self.bytes - before + bytes;
    }

    pub(super) fn remove(&mut self, id: &SegmentId) {
        self.bytes -= self.bytes_of.remove(id).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::InlineSegments;
    use crate::base::SegmentId;

    #[test]
    fn bytes_are_those_of_the_segments_that_are_there() {
        let id = |number: u128| SegmentId(uuid::Uuid::from_u128(number));
        let mut inline = InlineSegments::default();
        inline.insert(id(1), 10);
        inline.insert(id(2), 20);
        inline.insert(id(1), 5);
        inline.remove(&id(3));
        assert_eq!((inline.bytes(), inline.len()), (25, 2));
        inline.remove(&id(2));
        inline.remove(&id(2));
        assert_eq!((inline.bytes(), inline.contains(&id(1))), (5, true));
    }
}
