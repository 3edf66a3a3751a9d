//! The `estate` room; see ARCHITECTURE.md.
