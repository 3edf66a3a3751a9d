//! Writes the JSON Schemas of an estate's files into a directory: `docs/schema` holds copies of them.

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let directory = PathBuf::from(std::env::args_os().nth(1).unwrap_or_else(|| "docs/schema".into()));
    std::fs::create_dir_all(&directory)?;
    for (kind, schema) in lineclear_estate::schemas() {
        std::fs::write(directory.join(format!("{kind}.json")), format!("{schema:#}\n"))?;
    }
    Ok(())
}
