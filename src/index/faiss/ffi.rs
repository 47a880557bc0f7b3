//! `shim.h`, function by function.

#![expect(unsafe_code, reason = "the declarations of foreign functions")]

use std::ffi::c_char;

/// Rows, values and nodes of points.
#[repr(C)]
pub(super) struct Points {
    pub(super) values: *const f32,
    pub(super) dimensions: usize,
    pub(super) rows: *const u32,
    pub(super) nodes: usize,
}

/// Bit strings.
#[repr(C)]
pub(super) struct Bits {
    pub(super) words: *const u64,
    pub(super) stride: usize,
    pub(super) nodes: usize,
}

/// Sparse vectors.
#[repr(C)]
pub(super) struct Sparse {
    pub(super) starts: *const u64,
    pub(super) places: *const u32,
    pub(super) numbers: *const f32,
    pub(super) nodes: usize,
}

/// The ties of long work.
#[repr(C)]
pub(super) struct Work {
    pub(super) threads: i32,
    pub(super) memory: u64,
    pub(super) cancelled: *const u8,
    pub(super) done: *mut u64,
}

/// Where a failure tells its reason.
#[repr(C)]
pub(super) struct Message {
    pub(super) text: [c_char; 256],
}

/// A graph that FAISS built.
#[repr(C)]
pub(super) struct Hnsw {
    _opaque: [u8; 0],
}

/// How vectors are encoded.
#[repr(C)]
pub(super) struct Coded {
    pub(super) dimensions: usize,
    pub(super) padded_dimensions: usize,
    pub(super) subspaces: usize,
    pub(super) codebooks: *const f32,
    pub(super) normalised: i32,
}

/// What builds a graph over vectors that a `V` describes.
pub(super) type HnswBuilder<V> = unsafe extern "C" fn(
    vectors: *const V,
    metric: i32,
    m: i32,
    ef_construction: i32,
    work: *const Work,
    out: *mut *mut Hnsw,
    message: *mut Message,
) -> i32;

unsafe extern "C" {
    pub(super) fn redkite_hnsw_build(
        points: *const Points,
        metric: i32,
        m: i32,
        ef_construction: i32,
        work: *const Work,
        out: *mut *mut Hnsw,
        message: *mut Message,
    ) -> i32;
    pub(super) fn redkite_hnsw_build_bits(
        bits: *const Bits,
        metric: i32,
        m: i32,
        ef_construction: i32,
        work: *const Work,
        out: *mut *mut Hnsw,
        message: *mut Message,
    ) -> i32;
    pub(super) fn redkite_hnsw_build_sparse(
        vectors: *const Sparse,
        metric: i32,
        m: i32,
        ef_construction: i32,
        work: *const Work,
        out: *mut *mut Hnsw,
        message: *mut Message,
    ) -> i32;
    pub(super) fn redkite_hnsw_free(graph: *mut Hnsw);
    pub(super) fn redkite_hnsw_entry(graph: *const Hnsw) -> i64;
    pub(super) fn redkite_hnsw_max_level(graph: *const Hnsw) -> i32;
    pub(super) fn redkite_hnsw_levels(graph: *const Hnsw, levels: *mut u8);
    pub(super) fn redkite_hnsw_neighbours(
        graph: *const Hnsw,
        node: usize,
        level: i32,
        neighbours: *mut u32,
        capacity: usize,
    ) -> usize;
    pub(super) fn redkite_kmeans(
        sample: *const f32,
        count: usize,
        dimensions: usize,
        lists: usize,
        angular: i32,
        iterations: i32,
        work: *const Work,
        centroids: *mut f32,
        message: *mut Message,
    ) -> i32;
    pub(super) fn redkite_assign(
        points: *const Points,
        centroids: *const f32,
        lists: usize,
        angular: i32,
        work: *const Work,
        nearest: *mut u32,
        message: *mut Message,
    ) -> i32;
    pub(super) fn redkite_codebooks(
        sample: *const f32,
        count: usize,
        dimensions: usize,
        subspaces: usize,
        work: *const Work,
        codebooks: *mut f32,
        message: *mut Message,
    ) -> i32;
    pub(super) fn redkite_encode(
        coded: *const Coded,
        values: *const f32,
        rows: *const u32,
        list_ends: *const u64,
        lists: usize,
        centroids: *const f32,
        work: *const Work,
        codes: *mut u8,
        message: *mut Message,
    ) -> i32;
    pub(super) fn redkite_scan(
        blocks: usize,
        subspaces: usize,
        codes: *const u8,
        table: *const u8,
        sums: *mut u16,
        message: *mut Message,
    ) -> i32;
    pub(super) fn redkite_stand_back();
}
