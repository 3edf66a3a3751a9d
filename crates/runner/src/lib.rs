//! The `runner` room; see ARCHITECTURE.md.
