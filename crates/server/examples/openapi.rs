//! Writes the API's description to standard output: `docs/openapi.json` is a copy of it.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    std::io::stdout().lock().write_all(lineclear_server::openapi().as_bytes())
}
