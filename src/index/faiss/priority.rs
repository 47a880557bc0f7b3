//! The priority of the threads that build indexes.

#![expect(unsafe_code, reason = "a call into the shim")]

use super::ffi;

/// Gives the calling thread, and those that it starts from now on, a third of the share of the others
/// where processors are short. For threads that build indexes and then end: there is no way back.
pub fn stand_back() {
    // SAFETY: takes nothing and touches nothing but the calling thread's priority.
    unsafe { ffi::redkite_stand_back() }
}
