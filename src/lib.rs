//! Ferroform: infrastructure as code for AWS in one binary.
pub mod aws;
pub mod engine;
pub mod local;
pub mod sandbox;
pub mod stack;
pub mod state;
pub mod words;
