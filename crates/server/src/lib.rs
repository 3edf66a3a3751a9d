//! Faces over one engine: REST, MCP, console. They authenticate, parse and show; they decide nothing.
//!
//! [`serve`] listens on loopback; [`App`] is what every handler is given. Authority is a value: handlers take a
//! [`Person`], an [`Asking`] caller or a [`Machine`], and hand it to the engine.

mod api;
mod app;
mod auth;
mod console;
mod difference;
mod guard;
mod json;
mod mcp;
mod problem;
#[cfg(test)]
mod rig;
mod server;
mod session;
mod sign_in;

pub use api::openapi::text as openapi;
pub use app::{App, Settings, SettingsError};
pub use auth::{AgentToken, Asking, Auth, Issued, Machine, OperatorToken, Person, SIGN_IN, WebhookToken, bearer};
pub use guard::Nonce;
pub use problem::{Code, Problem};
pub use server::{ServeError, router, serve};
pub use session::Session;
