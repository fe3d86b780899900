//! Everything that is tested from outside: one target, so that it is linked once.
#![allow(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]
#![allow(clippy::print_stdout, clippy::cast_precision_loss, reason = "a table of what was tested, for those who ask for it")]
#![allow(unreachable_pub, reason = "what one module of the tests shows another")]

mod bad_input;
mod balancing;
mod blocks;
mod bot_ci;
mod clawgent;
mod conformance;
mod console;
mod containers;
mod convert;
mod crash;
mod drift;
mod ecs_platform;
mod engine;
mod events;
mod faults;
mod fmt;
mod forge;
mod fuzz;
mod gateway_node;
mod grouped;
mod guards;
mod house;
mod imports;
mod interop;
mod language;
mod laws;
mod lifecycle;
mod networks;
mod pages;
mod paths;
mod reference;
mod sandbox;
mod scaling;
mod schema;
mod serve;
mod spellings;
mod storage;
mod support;
mod terraform_folder;
mod touched;
mod under_fire;
mod unmanaged;
mod watch;
mod workflows;
