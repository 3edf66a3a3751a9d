//! Lineclear from outside: the real binary, in processes of its own, judged by foreign tools and by killing it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may fail loudly")]

mod agent;
mod audit;
mod browser;
mod crash;
mod demo;
mod directories;
mod installation;
mod lab;
mod restore;
mod tokens;
