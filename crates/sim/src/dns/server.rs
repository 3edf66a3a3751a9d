//! The sockets of the simulated DNS server: datagrams, and messages with a length before them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::rr::TSigner;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::reply::{Transport, reply};
use crate::clock;
use crate::world::Shared;

/// The largest datagram that is read; larger updates come by stream.
const DATAGRAM_BYTES_MAX: usize = 4_096;
/// As BIND's default `tcp-clients` divided by ten: a simulation has few clients.
const CONNECTIONS_MAX: usize = 15;
/// A connection that is idle for this long is closed.
const IDLE: Duration = Duration::from_secs(10);
/// Finding a port that is free for both transports is tried this often.
const BIND_TRIES: usize = 20;

/// The two sockets, on one port of loopback.
pub(crate) struct Sockets {
    pub datagrams: UdpSocket,
    pub streams: TcpListener,
    pub address: SocketAddr,
}

/// Binds a port that is free for UDP and TCP.
pub(crate) async fn bind() -> std::io::Result<Sockets> {
    let mut last = std::io::Error::from(std::io::ErrorKind::AddrInUse);
    for _ in 0..BIND_TRIES {
        let streams = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = streams.local_addr()?;
        match UdpSocket::bind(address).await {
            Ok(datagrams) => return Ok(Sockets { datagrams, streams, address }),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Answers datagrams until `stop`.
pub(crate) async fn datagrams(socket: UdpSocket, world: Shared, signer: TSigner, stop: CancellationToken) {
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let received = tokio::select! {
            () = stop.cancelled() => return,
            received = socket.recv_from(&mut buffer) => received,
        };
        // An ICMP error of an earlier answer surfaces here; the socket itself is fine.
        let Ok((length, peer)) = received else { continue };
        let Some(bytes) = buffer.get(..length) else { continue };
        let answer = world.with(|world| reply(world, &signer, bytes, Transport::Datagram, clock::now()));
        if let Some(answer) = answer {
            let _ = socket.send_to(&answer, peer).await;
        }
    }
}

/// Answers connections until `stop`.
pub(crate) async fn streams(listener: TcpListener, world: Shared, signer: TSigner, stop: CancellationToken) {
    let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "the simulated DNS server could not accept a connection");
                    continue;
                }
            },
        };
        let (world, signer, stop) = (world.clone(), signer.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                _ = converse(stream, &world, &signer) => {}
            }
            drop(seat);
        });
    }
}

/// RFC 7766: any number of messages on one connection.
async fn converse(mut stream: TcpStream, world: &Shared, signer: &TSigner) -> std::io::Result<()> {
    loop {
        let idle = |_| std::io::Error::from(std::io::ErrorKind::TimedOut);
        let length = tokio::time::timeout(IDLE, stream.read_u16()).await.map_err(idle)??;
        let mut bytes = vec![0; usize::from(length)];
        tokio::time::timeout(IDLE, stream.read_exact(&mut bytes)).await.map_err(idle)??;
        let answer = world.with(|world| reply(world, signer, &bytes, Transport::Stream, clock::now()));
        let Some(answer) = answer else { return Ok(()) };
        let length = u16::try_from(answer.len()).map_err(std::io::Error::other)?;
        let mut framed = length.to_be_bytes().to_vec();
        framed.extend(answer);
        stream.write_all(&framed).await?;
    }
}
