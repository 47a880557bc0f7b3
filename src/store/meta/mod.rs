//! The metadata store: revisioned keys, compare-and-swap, watch and leases.
