//! Formats
