//! The simulated authoritative DNS server: the zone, what an RFC 2136 UPDATE does to it, the signatures on both, and
//! the sockets they come through.

pub(crate) mod reply;
pub(crate) mod server;
pub(crate) mod transfer;
pub(crate) mod update;
pub(crate) mod zone;
