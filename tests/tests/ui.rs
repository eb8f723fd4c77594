//! What the attributes accept, and how they refuse: each mistake gives one error that says how to mend it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unused_attributes,
    reason = "a test fails by panicking; the programs are whole files"
)]

#[path = "../ui/pass/functions.rs"]
mod functions;
#[path = "../ui/pass/methods.rs"]
mod methods;

/// In the words of Rust 1.95; another compiler words some of them otherwise (`docs/decisions/0002-no-toolchain-file.md`).
#[test]
fn every_mistake_is_told_as_written_down() {
    trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
}

#[test]
fn every_mistake_is_one_error() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/ui/fail");
    let mut cases = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let told = path.with_extension("stderr");
            let told = std::fs::read_to_string(&told)
                .unwrap_or_else(|error| panic!("{}: {error}", told.display()));
            let errors = told
                .lines()
                .filter(|line| line.starts_with("error"))
                .count();
            assert_eq!(
                errors,
                1,
                "{} tells {errors} errors:\n{told}",
                path.display()
            );
            cases += 1;
        }
    }
    assert!(cases >= 40, "only {cases} mistakes are tried");
}
