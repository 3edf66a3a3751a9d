//! The routes as callers meet them.

mod bodies;
mod description;
mod doors;
mod hooks;
mod ledger;
mod people;
mod proposals;
mod runners;
mod watching;
