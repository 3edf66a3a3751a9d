//! The `policy` room; see ARCHITECTURE.md.
