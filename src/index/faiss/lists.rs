//! Clustering, assignment and four-bit codes as FAISS does them.

#![expect(unsafe_code, reason = "calls the C++ shim")]

use std::ptr;

use super::{ffi, status};
use crate::index::error::IndexError;
use crate::index::work::Work;

/// Rows of a block of codes.
pub(in crate::index) const BLOCK_ROWS: usize = 32;
/// Entries of a codebook, and of each subspace's part of a look-up table.
pub(in crate::index) const ENTRIES: usize = 16;

/// Clusters vectors of `dimensions` numbers into `lists`, of which there are not more than
/// vectors; returns the centroids, of length one when the angle decides.
pub(in crate::index) fn kmeans(
    sample: &[f32],
    dimensions: usize,
    lists: usize,
    angular: bool,
    iterations: i32,
    work: &Work<'_>,
) -> Result<Vec<f32>, IndexError> {
    let count = whole_vectors(sample, dimensions)?;
    if lists == 0 || lists > count {
        return Err(IndexError::Corrupt("more lists than vectors to train them from"));
    }
    let mut centroids = vec![0.0; lists * dimensions];
    let mut message = status::message();
    let ties = status::work(work);
    // SAFETY: the sample has `count` vectors and the centroids room for `lists`; the ties
    // outlive the call.
    let code = unsafe {
        ffi::redkite_kmeans(
            sample.as_ptr(),
            count,
            dimensions,
            lists,
            angular.into(),
            iterations,
            &raw const ties,
            centroids.as_mut_ptr(),
            &raw mut message,
        )
    };
    status::result(code, &message)?;
    Ok(centroids)
}

/// The nearest centroid of each of the chosen rows (`None`: of all).
pub(in crate::index) fn assign(
    values: &[f32],
    rows: Option<&[u32]>,
    centroids: &[f32],
    dimensions: usize,
    angular: bool,
    work: &Work<'_>,
) -> Result<Vec<u32>, IndexError> {
    let all_rows = whole_vectors(values, dimensions)?;
    let lists = whole_vectors(centroids, dimensions)?;
    let inside = rows.is_none_or(|rows| rows.iter().all(|row| (*row as usize) < all_rows));
    if !inside || lists == 0 {
        return Err(IndexError::Corrupt("rows outside the segment"));
    }
    let nodes = rows.map_or(all_rows, <[u32]>::len);
    let points = ffi::Points {
        values: values.as_ptr(),
        dimensions,
        rows: rows.map_or(ptr::null(), <[u32]>::as_ptr),
        nodes,
    };
    let mut nearest = vec![0; nodes];
    let mut message = status::message();
    let ties = status::work(work);
    // SAFETY: every row lies inside the values and there are `lists` whole centroids, both
    // checked above; there is room for each point's answer; the ties outlive the call.
    let code = unsafe {
        ffi::redkite_assign(
            &raw const points,
            centroids.as_ptr(),
            lists,
            angular.into(),
            &raw const ties,
            nearest.as_mut_ptr(),
            &raw mut message,
        )
    };
    status::result(code, &message)?;
    Ok(nearest)
}

/// Trains a codebook of [`ENTRIES`] for each subspace; the sample has at least as many vectors.
pub(in crate::index) fn codebooks(
    sample: &[f32],
    dimensions: usize,
    subspaces: usize,
    work: &Work<'_>,
) -> Result<Vec<f32>, IndexError> {
    let count = whole_vectors(sample, dimensions)?;
    if count < ENTRIES || subspaces == 0 || !dimensions.is_multiple_of(subspaces) {
        return Err(IndexError::Corrupt("too few vectors to train codes from"));
    }
    let mut codebooks = vec![0.0; ENTRIES * dimensions];
    let mut message = status::message();
    let ties = status::work(work);
    // SAFETY: the sample has `count` vectors, the codebooks `ENTRIES` vectors in all; the ties
    // outlive the call.
    let code = unsafe {
        ffi::redkite_codebooks(
            sample.as_ptr(),
            count,
            dimensions,
            subspaces,
            &raw const ties,
            codebooks.as_mut_ptr(),
            &raw mut message,
        )
    };
    status::result(code, &message)?;
    Ok(codebooks)
}

/// How vectors are encoded: see `shim.h`.
#[derive(Debug, Clone, Copy)]
pub(in crate::index) struct Coding<'a> {
    pub(in crate::index) dimensions: usize,
    pub(in crate::index) subspaces: usize,
    pub(in crate::index) centroids: &'a [f32],
    pub(in crate::index) codebooks: &'a [f32],
    pub(in crate::index) normalised: bool,
}

/// Bytes of the codes of a list of so many rows.
pub(in crate::index) fn code_bytes(rows: usize, subspaces: usize) -> usize {
    rows.div_ceil(BLOCK_ROWS) * BLOCK_ROWS * subspaces.div_ceil(2)
}

/// Encodes rows list by list: `ends[i]` is where list i's rows end.
pub(in crate::index) fn encode(
    coding: &Coding<'_>,
    values: &[f32],
    rows: &[u32],
    ends: &[u64],
    work: &Work<'_>,
) -> Result<Vec<u8>, IndexError> {
    let all_rows = whole_vectors(values, coding.dimensions)?;
    let lists = whole_vectors(coding.centroids, coding.dimensions)?;
    let padded = coding.codebooks.len() / ENTRIES;
    let whole = lists == ends.len()
        && rows.iter().all(|row| (*row as usize) < all_rows)
        && ends.is_sorted()
        && ends.last().is_some_and(|end| *end == rows.len() as u64)
        && padded >= coding.dimensions
        && coding.subspaces > 0
        && padded.is_multiple_of(coding.subspaces)
        && coding.codebooks.len() == padded * ENTRIES;
    if !whole {
        return Err(IndexError::Corrupt("lists that don't fit their model"));
    }
    let mut from = 0;
    let mut bytes = 0;
    for end in ends {
        bytes += code_bytes((*end - from) as usize, coding.subspaces);
        from = *end;
    }
    let mut codes = vec![0; bytes];
    let coded = ffi::Coded {
        dimensions: coding.dimensions,
        padded_dimensions: padded,
        subspaces: coding.subspaces,
        codebooks: coding.codebooks.as_ptr(),
        normalised: coding.normalised.into(),
    };
    let mut message = status::message();
    let ties = status::work(work);
    // SAFETY: rows, list ends, centroids and codebooks were checked against each other above,
    // and `codes` has room for every list's blocks; the ties outlive the call.
    let code = unsafe {
        ffi::redkite_encode(
            &raw const coded,
            values.as_ptr(),
            rows.as_ptr(),
            ends.as_ptr(),
            lists,
            coding.centroids.as_ptr(),
            &raw const ties,
            codes.as_mut_ptr(),
            &raw mut message,
        )
    };
    status::result(code, &message)?;
    Ok(codes)
}

/// How codes are to be aligned, for FAISS's instructions.
pub(in crate::index) const CODES_ALIGNMENT: usize = 32;

/// The look-up table of two subspaces.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(32))]
pub(in crate::index) struct TablePair(pub(in crate::index) [[u8; ENTRIES]; 2]);

/// The sums of a block's rows.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(32))]
pub(in crate::index) struct Sums(pub(in crate::index) [u16; BLOCK_ROWS]);

/// Adds up a look-up table's entries for each code of a list, block by block. The highest entries
/// of all subspaces together must fit 16 bits.
pub(in crate::index) fn scan(
    codes: &[u8],
    table: &[TablePair],
    sums: &mut Vec<Sums>,
) -> Result<(), IndexError> {
    let subspaces = table.len() * 2;
    if subspaces == 0 || codes.as_ptr().align_offset(CODES_ALIGNMENT) != 0 {
        return Err(IndexError::Corrupt("codes that are not aligned"));
    }
    let blocks = codes.len() / (BLOCK_ROWS * subspaces / 2);
    sums.clear();
    sums.resize(blocks, Sums([0; BLOCK_ROWS]));
    let mut message = status::message();
    // SAFETY: there are `blocks` whole blocks of codes, 16 bytes of table for each subspace and
    // room for every sum, all three aligned as FAISS wants them.
    let code = unsafe {
        ffi::redkite_scan(
            blocks,
            subspaces,
            codes.as_ptr(),
            table.as_ptr().cast(),
            sums.as_mut_ptr().cast(),
            &raw mut message,
        )
    };
    status::result(code, &message)
}

fn whole_vectors(values: &[f32], dimensions: usize) -> Result<usize, IndexError> {
    if dimensions == 0 || dimensions > i32::MAX as usize || !values.len().is_multiple_of(dimensions)
    {
        return Err(IndexError::Dimensions { expected: dimensions, found: values.len() });
    }
    Ok(values.len() / dimensions)
}
