//! Statements that define things, as changes of the catalog: pure functions of a snapshot.
//!
//! [`Ddl::make`] turns one statement into a [`crate::catalog::Edit`], which `txn` publishes
//! and makes again when another change comes between.
