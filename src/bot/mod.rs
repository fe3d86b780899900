//! The bot: plans on pull requests. One code in two forms: within CI, and as a server.

pub mod checkout;
pub mod ci;
pub mod command;
pub mod config;
pub mod forge;
pub mod run;
pub mod say;
pub mod serve;
pub mod store;
pub mod touched;
