//! FAISS behind a safe face: the only folder with C++ and, but for mapping files, with unsafe
//! code. `shim.h` is the border; nothing that C++ throws crosses it, and every length is checked
//! on this side before FAISS sees it.

// Links FAISS, its C++ library and the BLAS it needs; our own shim is what is called.
use faiss_sys as _;

mod ffi;
mod hnsw;
mod lists;
mod priority;
mod status;

pub(super) use hnsw::{HnswGraph, NodeVectors};
pub(super) use lists::{
    BLOCK_ROWS, CODES_ALIGNMENT, Coding, ENTRIES, Sums, TablePair, assign, code_bytes, codebooks,
    encode, kmeans, scan,
};
pub use priority::stand_back;
