//! The servers behind the load balancer and which of them gets the next request.

use std::net::SocketAddr;

use jiff::Timestamp;

/// The weight every server starts with; 100 makes a percentage and a weight the same number.
const INITIAL_WEIGHT: u32 = 100;

/// The administrative state, as HAProxy names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admin {
    Ready,
    Drain,
    Maint,
}

/// One server of the backend `shop`.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub name: String,
    pub address: SocketAddr,
    pub alive: bool,
    pub admin: Admin,
    pub weight: u32,
    pub initial_weight: u32,
    pub sessions: u32,
    pub total: u64,
    pub errors: u64,
    /// Requests the web server itself says it answered.
    pub served: u64,
    pub changed: Timestamp,
    credit: i64,
}

impl Server {
    /// Whether new requests go to it.
    pub fn takes_traffic(&self) -> bool {
        self.admin == Admin::Ready && self.weight > 0
    }
}

/// The servers, in the order of the configuration.
pub(crate) struct Pool {
    servers: Vec<Server>,
}

impl Pool {
    /// Every server ready, with the same weight.
    pub fn new(servers: Vec<(String, SocketAddr)>, now: Timestamp) -> Self {
        let server = |(name, address)| Server {
            name,
            address,
            alive: true,
            admin: Admin::Ready,
            weight: INITIAL_WEIGHT,
            initial_weight: INITIAL_WEIGHT,
            sessions: 0,
            total: 0,
            errors: 0,
            served: 0,
            changed: now,
            credit: 0,
        };
        Self { servers: servers.into_iter().map(server).collect() }
    }

    /// The servers, in the order of the configuration.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// What an administrator can change about the servers.
    pub fn settings(&self) -> Vec<(Admin, u32)> {
        self.servers.iter().map(|server| (server.admin, server.weight)).collect()
    }

    /// The server of this name.
    pub fn server_mut(&mut self, name: &str) -> Option<&mut Server> {
        self.servers.iter_mut().find(|server| server.name == name)
    }

    /// The server for the next request, by smooth weighted round robin, counted as a session until [`finish`](Self::finish).
    pub fn choose(&mut self) -> Option<(String, SocketAddr)> {
        let all: i64 = self.servers.iter().filter(|server| server.takes_traffic()).map(|server| i64::from(server.weight)).sum();
        for server in self.servers.iter_mut().filter(|server| server.takes_traffic()) {
            server.credit += i64::from(server.weight);
        }
        // Backwards, because the last of equals would win and the first of the configuration should.
        let next = self.servers.iter_mut().rev().filter(|server| server.takes_traffic()).max_by_key(|server| server.credit)?;
        next.credit -= all;
        next.sessions += 1;
        next.total += 1;
        Some((next.name.clone(), next.address))
    }

    /// Ends a session that [`choose`](Self::choose) began.
    pub fn finish(&mut self, name: &str, failed: bool) {
        if let Some(server) = self.server_mut(name) {
            server.sessions = server.sessions.saturating_sub(1);
            server.errors += u64::from(failed);
        }
    }

    /// Notes whether the web server runs; the balancer itself never asks.
    pub fn mark_alive(&mut self, name: &str, alive: bool) {
        if let Some(server) = self.server_mut(name) {
            server.alive = alive;
        }
    }

    /// Counts a request that the web server answered.
    pub fn count_served(&mut self, name: &str) {
        if let Some(server) = self.server_mut(name) {
            server.served += 1;
        }
    }
}

#[cfg(test)]
pub(crate) fn sample() -> Pool {
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    Pool::new(vec![("web-1".to_owned(), at(8081)), ("web-2".to_owned(), at(8082))], Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(pool: &mut Pool, requests: usize) -> (usize, usize) {
        let chosen: Vec<String> = (0..requests).filter_map(|_| pool.choose()).map(|(name, _)| name).collect();
        let count = |name| chosen.iter().filter(|chosen| *chosen == name).count();
        (count("web-1"), count("web-2"))
    }

    #[test]
    fn requests_follow_the_weights_and_a_drained_server_gets_none() {
        let mut pool = sample();
        assert_eq!(shares(&mut pool, 10), (5, 5));
        pool.server_mut("web-1").unwrap().weight = 50;
        assert_eq!(shares(&mut pool, 30), (10, 20));
        pool.server_mut("web-1").unwrap().admin = Admin::Drain;
        assert_eq!(shares(&mut pool, 10), (0, 10));
        pool.server_mut("web-2").unwrap().weight = 0;
        assert_eq!(shares(&mut pool, 10), (0, 0), "nobody is left");
    }
}
