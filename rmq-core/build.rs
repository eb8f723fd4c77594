//! Nothing to build: cargo asks for a build script where `links` refuses a second version of the crate in one program.

fn main() {}
