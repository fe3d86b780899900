//! The program.

use std::process::ExitCode;

fn main() -> ExitCode {
    ferroform::cli::run(std::env::args_os())
}
