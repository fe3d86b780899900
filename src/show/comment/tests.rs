//! The comment, rendered.
