//! The `warrant` room; see ARCHITECTURE.md.
