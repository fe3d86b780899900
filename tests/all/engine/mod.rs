//! The phases of the engine against a cloud in memory.

mod adopt;
mod basics;
mod data;
mod drift;
mod failures;
mod hidden;
mod holds;
mod lifecycle;
mod modules;
mod options;
mod order;
mod recovery;
