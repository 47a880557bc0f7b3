//! What PostgreSQL 18 with pgvector said to each of many literals (`postgres.jsonl`, taken from a
//! real server in the time zone Europe/Berlin), and round trips of random values.

mod fuzz;
mod mapping;
mod postgres;
mod round_trip;
