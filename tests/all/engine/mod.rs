//! The phases of the engine against a cloud in memory.

mod basics;
mod data;
mod drift;
mod failures;
mod lifecycle;
mod modules;
mod options;
mod order;
mod recovery;
