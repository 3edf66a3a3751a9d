//! A simulated small hosting estate behind real protocols, for the demo, drills and tests of the whole product.
//!
//! [`Estate::start`] puts a load balancer with an HAProxy-compatible socket, three web servers, an authoritative DNS
//! server that takes signed updates, a Prometheus query API, an Alertmanager-style notifier, a scaler, a cache and a
//! status page on free loopback ports. Every one speaks a public protocol and nothing of ours, so whatever works here
//! was not written against a private interface. All of them look at one [`world`](self), so a fault planted in one
//! place is seen from every other. Every page, body and banner says *simulated*.

mod answer;
mod backend;
mod balancer;
mod clock;
mod dns;
mod estate;
mod exchange;
mod notifier;
mod services;
mod telemetry;
mod traffic;
mod world;

pub use estate::{Addresses, Estate, Options, SimError, TsigKey};
pub use services::{CACHES, SERVICES, WAF_RULES};
pub use world::{DNS_PLAN, Effects, ZONE};
