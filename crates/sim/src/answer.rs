//! How every simulated HTTP server answers: with a header that says so.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Carried by every HTTP answer of the simulation.
const SIMULATED: HeaderName = HeaderName::from_static("x-simulated");

/// An answer with its media type, marked as simulated.
pub(crate) fn answer(status: StatusCode, media: &'static str, body: impl Into<axum::body::Body>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media)),
        (header::SERVER, HeaderValue::from_static("lineclear-sim (simulated)")),
        (SIMULATED, HeaderValue::from_static("true")),
    ];
    (status, headers, body.into()).into_response()
}

/// A JSON answer, marked as simulated.
pub(crate) fn json(status: StatusCode, body: &serde_json::Value) -> Response {
    answer(status, "application/json", body.to_string())
}
