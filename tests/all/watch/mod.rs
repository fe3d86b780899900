//! Drift detection as a service: its history, who is told, and the process that does it.

mod bad_input;
mod history;
mod listing;
mod process;
mod receivers;
mod reports;
mod telling;
