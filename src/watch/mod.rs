//! Drift detection as a service: looking again and again, remembering what was found, and telling people of it.
//!
//! [`schedule`] says when; the caller gives what looks. [`history`] keeps every run and every finding in one file, with what is to be told to
//! whom; [`notify`] tells it. [`service`] puts them together, and [`metrics`] shows from outside how it is. [`listing`] is the history as
//! people read it.

pub mod history;
pub mod listing;
pub mod metrics;
pub mod notify;
pub mod schedule;
pub mod service;
