//! The `connect` room; see ARCHITECTURE.md.
