//! Lineclear from outside: the real binary, in processes of its own, judged by foreign tools and by killing it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests may fail loudly, and tell what they measured"
)]

mod accessible;
mod actions;
mod activation;
mod agent;
mod audit;
#[path = "../battery/battery.rs"]
mod battery;
mod browser;
mod budget;
mod caches;
mod crash;
mod demo;
mod directories;
mod hosting;
mod installation;
mod lab;
mod notices;
mod orphan;
mod passkey;
mod pictures;
mod restore;
mod runbook;
mod runners;
mod sandbox;
mod signals;
mod tokens;
