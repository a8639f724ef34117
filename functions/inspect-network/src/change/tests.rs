//! Decisions about changes.
