//! The `store` room; see ARCHITECTURE.md.
