//! The promises of `docs/consistency.md`, shown with several processes over a real etcd and a
//! real S3 server, and with one process where it has everything embedded.

mod bank;
mod clients;
mod consistency;
mod crash;
mod definitions;
mod drain;
mod for_update;
mod growth;
mod history;
mod indexes;
mod locks;
mod notify;
mod outage;
mod signals;
mod unique;
mod visibility;
