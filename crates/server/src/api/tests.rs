//! The routes as callers meet them.

mod bodies;
mod description;
mod doors;
mod ledger;
mod people;
mod proposals;
mod watching;
