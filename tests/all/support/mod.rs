//! What tests share: a local AWS, and a proxy before it that fails on purpose.
#![allow(dead_code, reason = "each part is used by some tests")]

pub mod bench;
pub mod cloud;
pub mod git;
pub mod github;
pub mod kept;
pub mod lab;
pub mod npm;
pub mod project;
pub mod proxy;
pub mod sandbox;
pub mod service;
pub mod user_data;
