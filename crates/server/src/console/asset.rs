//! What browsers load beside pages: a closed list of files, part of the binary, under addresses that change with them.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use lineclear_core::Digest;
use rust_embed::RustEmbed;

use crate::{Code, Problem};

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

/// Every file that is served, with its media type. The notices beside them are not.
const SERVED: [(&str, &str); 6] = [
    ("console.css", "text/css; charset=utf-8"),
    ("htmx.min.js", "text/javascript; charset=utf-8"),
    ("hx-csp.min.js", "text/javascript; charset=utf-8"),
    ("hx-sse.min.js", "text/javascript; charset=utf-8"),
    ("icon.svg", "image/svg+xml"),
    ("passkey.js", "text/javascript; charset=utf-8"),
];

/// A version's address never shows anything else, so nobody has to ask for it again.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Without a version a browser asks every time.
const ASK: HeaderValue = HeaderValue::from_static("no-cache");

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut all = Vec::new();
    for (name, _) in SERVED {
        all.extend_from_slice(name.as_bytes());
        all.extend_from_slice(&Files::get(name).map(|file| file.data.into_owned()).unwrap_or_default());
    }
    Digest::of(&all).short()
});

/// The address of a file; it changes when any file does.
pub(super) fn address(name: &str) -> String {
    format!("/assets/{}/{name}", *VERSION)
}

/// A file as it is now.
pub(super) async fn newest(Path(name): Path<String>) -> Result<Response, Problem> {
    serve(&name, ASK)
}

/// A file under the address of a version; another version's address shows what is there now, and nobody keeps that.
pub(super) async fn versioned(Path((version, name)): Path<(String, String)>) -> Result<Response, Problem> {
    serve(&name, if version == *VERSION { FOR_EVER } else { ASK })
}

fn serve(name: &str, cache: HeaderValue) -> Result<Response, Problem> {
    let nothing = || Problem::new(Code::NotFound);
    let (name, media) = SERVED.into_iter().find(|(known, _)| *known == name).ok_or_else(nothing)?;
    let file = Files::get(name).ok_or_else(nothing)?;
    let headers = [(CONTENT_TYPE, HeaderValue::from_static(media)), (CACHE_CONTROL, cache)];
    Ok((headers, file.data.into_owned()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_list_is_there_and_the_address_names_all_of_them() {
        for (name, _) in SERVED {
            assert!(Files::get(name).is_some(), "{name}");
            assert_eq!(address(name), format!("/assets/{}/{name}", *VERSION));
        }
        assert_eq!(VERSION.len(), 12);
    }

    #[test]
    fn nothing_else_is_served() {
        for name in ["README.md", "../Cargo.toml", "", "console.css/"] {
            assert!(serve(name, ASK).is_err(), "{name}");
        }
    }
}
