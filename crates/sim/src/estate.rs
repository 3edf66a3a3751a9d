//! The whole simulated estate: starts every server, says where it listens, and breaks and mends it on demand.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hickory_proto::rr::TSigner;
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;
use thiserror::Error;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backend::{Backend, NAMES};
use crate::balancer;
use crate::clock;
use crate::dns::zone::{PlanError, Zone, name};
use crate::dns::{self};
use crate::notifier::webhook::Receiver;
use crate::services::http as services;
use crate::world::{Effects, Shared, World};
use crate::{notifier, telemetry, traffic};

/// RFC 8945 §10: the clocks of both sides may differ by this many seconds.
const FUDGE_SECONDS: u16 = 300;
/// A key shorter than the output of HMAC-SHA-256 is weaker than it looks (RFC 2104 §3), in bytes.
const SECRET_BYTES_MIN: usize = 16;
/// The longest path of a Unix socket on Linux, in bytes, with its ending zero.
const SOCKET_PATH_BYTES_MAX: usize = 108;
/// A restarted server tries this often to get its port back, which somebody may use for a moment.
const REBIND_TRIES: u32 = 40;
/// The wait between two tries.
const REBIND_PAUSE: Duration = Duration::from_millis(50);
/// Everything is given this long to end.
const FAREWELL: Duration = Duration::from_secs(3);

/// The key that may change the zone: hmac-sha256. The secret never shows in `Debug`.
#[derive(Clone)]
pub struct TsigKey {
    /// The name of the key, a DNS name such as `lineclear-key`.
    pub name: String,
    /// The secret in base64, 16 bytes or more.
    pub secret: String,
}

impl fmt::Debug for TsigKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TsigKey").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What an estate needs to start. `Debug` leaves the secrets out.
#[derive(Clone)]
pub struct Options {
    /// An existing directory for the load balancer's socket; its path must leave room for a file name in 107 bytes.
    pub directory: PathBuf,
    /// The key for signed updates.
    pub tsig: TsigKey,
    /// Where alerts are sent, `http://127.0.0.1:PORT/PATH`; nothing leaves this machine.
    pub notify: Option<String>,
    /// Sent with alerts as `authorization: Bearer …`.
    pub notify_token: Option<String>,
    /// Whether simulated customers send twenty requests a second.
    pub traffic: bool,
}

impl Options {
    /// With customers, without a receiver of alerts.
    pub fn new(directory: impl Into<PathBuf>, tsig: TsigKey) -> Self {
        Self { directory: directory.into(), tsig, notify: None, notify_token: None, traffic: true }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Options");
        shown.field("directory", &self.directory).field("tsig", &self.tsig).field("notify", &self.notify);
        shown.field("traffic", &self.traffic).finish_non_exhaustive()
    }
}

/// Why an estate does not start, or does not do as told.
#[derive(Debug, Error)]
pub enum SimError {
    /// A port or the socket could not be had.
    #[error("`{what}` could not listen")]
    Listen {
        /// The server.
        what: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The key cannot be used; the message does not repeat it.
    #[error("the TSIG key `{0}` needs a DNS name and a base64 secret of 16 bytes or more")]
    Key(String),
    /// The receiver of alerts is not on this machine.
    #[error("`{0}` is not of the form http://127.0.0.1:PORT/PATH, or its token has other characters than visible ASCII")]
    Receiver(String),
    /// No such web server.
    #[error("there is no web server `{0}`")]
    NoServer(String),
    /// No such service.
    #[error("there is no service `{0}`")]
    NoService(String),
    /// The plan of the zone is broken.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

/// Where everything listens. URLs end without a slash.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Addresses {
    /// The load balancer.
    pub balancer: String,
    /// The load balancer's runtime socket.
    pub haproxy_socket: PathBuf,
    /// The web servers by name.
    pub servers: BTreeMap<String, String>,
    /// The DNS server, UDP and TCP.
    pub dns: SocketAddr,
    /// The query API.
    pub prometheus: String,
    /// `/services/NAME/replicas`.
    pub scaler: String,
    /// `/caches/NAME` and `/purge/NAME`.
    pub cache: String,
    /// `/waf/SERVICE/rules/RULE`.
    pub waf: String,
    /// `/certificates/HOST` and `/certificates/HOST/renew`.
    pub certificates: String,
    /// The page, and `/status/SERVICE`.
    pub status: String,
}

/// A running estate. Dropping it stops it; [`stop`](Self::stop) also waits until it has stopped.
pub struct Estate {
    addresses: Addresses,
    world: Shared,
    backends: Mutex<Vec<Backend>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl fmt::Debug for Estate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Estate").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl Estate {
    /// Starts everything on free ports of loopback. Must be called within a tokio runtime.
    pub async fn start(options: Options) -> Result<Self, SimError> {
        let signer = signer(&options.tsig)?;
        let receiver = options.notify.as_deref().map(|url| receiver(url, options.notify_token.as_deref())).transpose()?;
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        // From here on an early return stops what already runs.
        let guard = stop.clone().drop_guard();
        let sockets = dns::server::bind().await.map_err(|source| listen("dns", source))?;
        let (mut listeners, mut places) = (Vec::new(), Vec::new());
        for name in NAMES {
            let (listener, address) = free(name).await?;
            places.push((name.to_owned(), address));
            listeners.push(listener);
        }
        let world = Shared::new(World::new(Zone::new()?, places.clone(), sockets.address, clock::now()));
        world.with(|world| world.receiver = receiver);
        let mut backends: Vec<Backend> = places.iter().map(|(name, address)| Backend::new(name, *address, stop.clone())).collect();
        for (backend, listener) in backends.iter_mut().zip(listeners) {
            backend.run(listener, &world);
        }
        let haproxy_socket = options.directory.join("haproxy.sock");
        let unix = bind_socket(&haproxy_socket)?;
        let serving = Serving { tasks: &tasks, stop: &stop };
        let (balancer, balancer_address) = serving.http("balancer", balancer::router(world.clone())).await?;
        let addresses = Addresses {
            balancer,
            haproxy_socket,
            servers: places.iter().map(|(name, address)| (name.clone(), format!("http://{address}"))).collect(),
            dns: sockets.address,
            prometheus: serving.http("prometheus", telemetry::router(world.clone())).await?.0,
            scaler: serving.http("scaler", services::scaler(world.clone())).await?.0,
            cache: serving.http("cache", services::cache(world.clone())).await?.0,
            waf: serving.http("waf", services::waf(world.clone())).await?.0,
            certificates: serving.http("certificates", services::certificates(world.clone())).await?.0,
            status: serving.http("status", services::status(world.clone())).await?.0,
        };
        tasks.spawn(balancer::socket::serve(unix, world.clone(), stop.clone()));
        tasks.spawn(dns::server::datagrams(sockets.datagrams, world.clone(), signer.clone(), stop.clone()));
        tasks.spawn(dns::server::streams(sockets.streams, world.clone(), signer, stop.clone()));
        tasks.spawn(notifier::watch(world.clone(), stop.clone()));
        // The first moment stands for all before it, so it is there before anybody can ask.
        telemetry::history::look(&world);
        tasks.spawn(telemetry::history::keep(world.clone(), stop.clone()));
        if options.traffic {
            tasks.spawn(traffic::generate(balancer_address, stop.clone()));
        }
        guard.disarm();
        Ok(Self { addresses, world, backends: Mutex::new(backends), tasks, stop })
    }

    /// Where everything listens.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Kills a web server: its port refuses connections from now on. A dead one stays dead.
    pub async fn kill_backend(&self, name: &str) -> Result<(), SimError> {
        let mut backends = self.backends.lock().await;
        let backend = backends.iter_mut().find(|backend| backend.name == name).ok_or_else(|| SimError::NoServer(name.to_owned()))?;
        backend.kill(&self.world).await;
        Ok(())
    }

    /// Brings a web server back on its port. A running one keeps running.
    pub async fn restart_backend(&self, name: &str) -> Result<(), SimError> {
        let mut backends = self.backends.lock().await;
        let backend = backends.iter_mut().find(|backend| backend.name == name).ok_or_else(|| SimError::NoServer(name.to_owned()))?;
        if !backend.alive() {
            let listener = rebind(backend.address).await.map_err(|source| listen(name, source))?;
            backend.run(listener, &self.world);
        }
        Ok(())
    }

    /// The addresses the zone has for `host` at this moment, in order, read past the protocol.
    pub fn answer_of(&self, host: &str) -> Vec<String> {
        self.world.with(|world| world.zone.addresses(host))
    }

    /// The serial number of the zone.
    pub fn serial(&self) -> u32 {
        self.world.with(|world| world.zone.serial())
    }

    /// The requests a web server has answered, by its own count.
    pub fn served(&self, server: &str) -> Option<u64> {
        self.world.with(|world| world.pool.servers().iter().find(|one| one.name == server).map(|one| one.served))
    }

    /// The number of replicas of a service.
    pub fn replicas(&self, service: &str) -> Option<u32> {
        self.world.with(|world| world.services.replicas.get(service).map(|count| count.value))
    }

    /// How many changes have really taken place.
    pub fn effects(&self) -> Effects {
        self.world.with(|world| world.effects)
    }

    /// Makes every sample of `metric` this many seconds old.
    pub fn set_stale(&self, metric: &str, seconds: u32) {
        self.world.with(|world| world.stale.insert(metric.to_owned(), i64::from(seconds)));
    }

    /// Takes every sample of `metric` away.
    pub fn drop_metric(&self, metric: &str) {
        self.world.with(|world| world.dropped.insert(metric.to_owned()));
    }

    /// Undoes [`set_stale`](Self::set_stale) and [`drop_metric`](Self::drop_metric).
    pub fn restore(&self, metric: &str) {
        self.world.with(|world| {
            world.stale.remove(metric);
            world.dropped.remove(metric);
        });
    }

    /// What remains of the error budget of `service`, as a ratio; traffic that fails from now on still takes from it.
    pub fn set_error_budget(&self, service: &str, remaining: f64) -> Result<(), SimError> {
        self.world.with(|world| {
            let spent = if service == "shop" { f64::from(world.traffic.failed()) / crate::services::BUDGET_FAILURES } else { 0.0 };
            let budget = world.services.budgets.get_mut(service).ok_or_else(|| SimError::NoService(service.to_owned()))?;
            *budget = remaining + spent;
            Ok(())
        })
    }

    /// Sets an address of the zone without a signature, as a person with access to the server could. For drills.
    pub fn tamper(&self, host: &str, address: Ipv4Addr) -> Result<(), SimError> {
        let host = name(host)?;
        self.world.with(|world| world.zone.replace_address(&host, address));
        Ok(())
    }

    /// Sends alerts to `url` from now on, with the bearer token if there is one.
    pub fn set_notify(&self, url: &str, bearer: Option<&str>) -> Result<(), SimError> {
        let receiver = receiver(url, bearer)?;
        self.world.with(|world| world.receiver = Some(receiver));
        Ok(())
    }

    /// Stops everything and waits, but not for ever, until it has stopped.
    pub async fn stop(self) {
        self.stop.cancel();
        for backend in self.backends.lock().await.iter_mut() {
            backend.kill(&self.world).await;
        }
        self.tasks.close();
        let _ = tokio::time::timeout(FAREWELL, self.tasks.wait()).await;
        let _ = std::fs::remove_file(&self.addresses.haproxy_socket);
    }
}

impl Drop for Estate {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

struct Serving<'a> {
    tasks: &'a TaskTracker,
    stop: &'a CancellationToken,
}

impl Serving<'_> {
    /// Serves `router` on a free port and says where.
    async fn http(&self, what: &str, router: Router) -> Result<(String, SocketAddr), SimError> {
        let (listener, address) = free(what).await?;
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            // Not gracefully: a client that keeps its connection open must not keep the estate alive.
            tokio::select! {
                () = stop.cancelled() => {}
                _ = axum::serve(listener, router) => {}
            }
        });
        Ok((format!("http://{address}"), address))
    }
}

async fn free(what: &str) -> Result<(TcpListener, SocketAddr), SimError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|source| listen(what, source))?;
    let address = listener.local_addr().map_err(|source| listen(what, source))?;
    Ok((listener, address))
}

async fn rebind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let mut tries = 0;
    loop {
        match TcpListener::bind(address).await {
            Err(_) if tries < REBIND_TRIES => tries += 1,
            result => return result,
        }
        tokio::time::sleep(REBIND_PAUSE).await;
    }
}

/// The socket is for its owner alone, as `stats socket … mode 600`.
fn bind_socket(path: &Path) -> Result<UnixListener, SimError> {
    let refuse = |source| listen("haproxy socket", source);
    if path.as_os_str().len() >= SOCKET_PATH_BYTES_MAX {
        return Err(refuse(std::io::Error::from(std::io::ErrorKind::InvalidFilename)));
    }
    let listener = UnixListener::bind(path).map_err(refuse)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(refuse)?;
    Ok(listener)
}

fn signer(key: &TsigKey) -> Result<TSigner, SimError> {
    let refuse = || SimError::Key(key.name.clone());
    let secret = BASE64_STANDARD.decode(&key.secret).map_err(|_| refuse())?;
    if secret.len() < SECRET_BYTES_MIN {
        return Err(refuse());
    }
    TSigner::new(secret, TsigAlgorithm::HmacSha256, name(&key.name).map_err(|_| refuse())?, FUDGE_SECONDS).map_err(|_| refuse())
}

fn receiver(url: &str, bearer: Option<&str>) -> Result<Receiver, SimError> {
    Receiver::parse(url, bearer).ok_or_else(|| SimError::Receiver(url.to_owned()))
}

fn listen(what: &str, source: std::io::Error) -> SimError {
    SimError::Listen { what: what.to_owned(), source }
}
