//! COPY's formats against bytes that nobody meant.

mod fuzz;
