//! What moved, as names only: whoever wants to know more asks again, and is checked again.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, Stream};
use http::header::{HeaderName, HeaderValue};
use lineclear_core::record;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

use crate::{App, Asking, Code, Problem};

/// Most streams at once.
pub(crate) const STREAMS_MAX: usize = 256;
/// Longest life of a stream; clients connect again, and are checked again.
const STREAM_MAX: Duration = Duration::from_mins(15);
/// How often a stream says that it lives, so that proxies keep it.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Sent when notices were missed: whoever listens looks at everything again.
const MISSED: &str = "missed";

struct Listening {
    notices: Receiver<record::Stream>,
    stop: CancellationToken,
    end: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

/// Names of what moved, as server-sent events: `event: change_…`. Known callers only.
#[utoipa::path(get, path = "/api/v1/events", tag = "events",
    responses((status = 200, description = "A stream that ends after 15 minutes, and when the server stops", body = String, content_type = "text/event-stream")))]
pub(super) async fn events(State(app): State<App>, _: Asking) -> Result<Response, Problem> {
    let place = Arc::clone(&app.streams).try_acquire_owned().map_err(|_| Problem::new(Code::TooManyStreams))?;
    let listening =
        Listening { notices: app.engine.notices(), stop: app.stop.clone(), end: Box::pin(tokio::time::sleep(STREAM_MAX)), _place: place };
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text("here");
    let mut response = Sse::new(names(listening)).keep_alive(keep_alive).into_response();
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

fn names(listening: Listening) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(listening, |mut listening| async move {
        let name = tokio::select! {
            biased;
            () = listening.stop.cancelled() => return None,
            () = &mut listening.end => return None,
            notice = listening.notices.recv() => match notice {
                Ok(stream) => stream.to_string(),
                Err(RecvError::Lagged(_)) => MISSED.to_owned(),
                Err(RecvError::Closed) => return None,
            },
        };
        // An event without data is not dispatched (HTML §9.2.6), so the name is said twice.
        Some((Ok(Event::default().event(&name).data(&name)), listening))
    })
}
