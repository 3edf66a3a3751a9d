//! The runtime socket: one line of commands in, the answers out, the connection closed, as HAProxy does when nobody
//! typed `prompt`.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::command;
use crate::clock;
use crate::world::{Shared, World};

/// HAProxy's own default buffer.
const LINE_BYTES_MAX: u64 = 16 * 1024;
/// A client that says nothing for this long is sent away.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);
/// As HAProxy's default `stats maxconn`.
const CONNECTIONS_MAX: usize = 10;

/// Answers on `listener` until `stop`.
pub(crate) async fn serve(listener: UnixListener, world: Shared, stop: CancellationToken) {
    let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "the simulated runtime socket could not accept a connection");
                    continue;
                }
            },
        };
        let world = world.clone();
        tokio::spawn(async move {
            let _ = tokio::time::timeout(CLIENT_TIMEOUT, converse(stream, &world)).await;
            drop(seat);
        });
    }
}

async fn converse(mut stream: UnixStream, world: &Shared) -> std::io::Result<()> {
    let (reader, mut writer) = stream.split();
    let mut line = String::new();
    BufReader::new(reader.take(LINE_BYTES_MAX)).read_line(&mut line).await?;
    let answers: String = line.trim_end().split(';').map(|one| world.with(|world| execute(world, one))).collect();
    writer.write_all(answers.as_bytes()).await?;
    writer.shutdown().await
}

fn execute(world: &mut World, command: &str) -> String {
    let before = world.pool.settings();
    let answer = command::execute(&mut world.pool, command, clock::now());
    world.effects.balancer_changes += u64::from(world.pool.settings() != before);
    answer
}
