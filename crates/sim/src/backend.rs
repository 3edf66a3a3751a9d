//! The simulated web servers. A killed one closes its listener, so its port refuses connections.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::answer::answer;
use crate::world::Shared;

/// The names of the web servers.
pub(crate) const NAMES: [&str; 3] = ["web-1", "web-2", "web-3"];
/// A server that is killed gets this long to finish what it is sending.
const FAREWELL: Duration = Duration::from_millis(500);

/// One web server that can be killed and brought back on the same port.
pub(crate) struct Backend {
    pub name: String,
    pub address: SocketAddr,
    /// Ends with the estate.
    estate: CancellationToken,
    life: Option<(CancellationToken, JoinHandle<()>)>,
}

impl Backend {
    /// A server that answers once it is [`run`](Self::run), and no longer than `estate` lasts.
    pub fn new(name: &str, address: SocketAddr, estate: CancellationToken) -> Self {
        Self { name: name.to_owned(), address, estate, life: None }
    }

    /// Serves on `listener` until killed.
    pub fn run(&mut self, listener: TcpListener, world: &Shared) {
        let stop = self.estate.child_token();
        let router = Router::new().fallback(hello).with_state(Served { name: self.name.clone(), world: world.clone() });
        let signal = stop.clone().cancelled_owned();
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).with_graceful_shutdown(signal).await;
        });
        world.with(|world| world.pool.mark_alive(&self.name, true));
        self.life = Some((stop, task));
    }

    /// Whether the server runs.
    pub fn alive(&self) -> bool {
        self.life.is_some()
    }

    /// Closes the listener and every connection. Killing a dead server does nothing.
    pub async fn kill(&mut self, world: &Shared) {
        let Some((stop, mut task)) = self.life.take() else { return };
        world.with(|world| world.pool.mark_alive(&self.name, false));
        stop.cancel();
        if tokio::time::timeout(FAREWELL, &mut task).await.is_err() {
            task.abort();
        }
    }
}

#[derive(Clone)]
struct Served {
    name: String,
    world: Shared,
}

async fn hello(State(served): State<Served>) -> Response {
    served.world.with(|world| world.pool.count_served(&served.name));
    answer(StatusCode::OK, "text/plain; charset=utf-8", format!("hello from {} (simulated)\n", served.name))
}
