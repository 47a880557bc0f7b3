//! SQL functions that DataFusion lacks.
