//! What the fuzz targets share: how an input chooses a parser, what must hold of whatever a parser lets through, and a
//! small world with real signatures that no input may be able to forge.

mod again;
mod example;
mod input;
mod machine;
mod shown;
mod world;

pub use again::{json_again, text_again, text_exactly};
pub use example::{example, example_files};
pub use input::{pick, text};
pub use machine::fold_lines;
pub use shown::shown;
pub use world::World;
