//! Ferroform: infrastructure as code for AWS in one binary.
pub mod aws;
pub mod cli;
pub mod engine;
pub mod local;
pub mod registry;
pub mod sandbox;
pub mod show;
pub mod stack;
pub mod state;
pub mod words;
