//! The protocol from the client's side, in raw bytes over an in-memory stream, against a
//! session double that fails, stalls and panics on demand.

mod client;
mod copy;
mod double;
mod drivers;
mod extended;
mod faults;
mod fuzz;
mod malformed;
mod pipeline;
mod simple;
mod sockets;
mod startup;

use client::Client;
use double::TestServer;
