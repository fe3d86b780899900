//! The bot as a server: the real process, a real git repository, the sandbox, and a stand-in for GitHub's API.

mod crowd;
mod killed;
mod refused;
mod reviewed;
mod store;
mod world;
