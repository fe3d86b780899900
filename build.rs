//! How the program is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // The SDKs hold hundreds of thousands of pointers. In a program that may be loaded anywhere the loader writes each of them at every
    // start, which makes 16 MB of memory out of what would stay on disk; in one with an address of its own they are right as they are.
    let target = |name: &str| std::env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
