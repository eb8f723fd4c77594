//! The settings as a whole: files, environment, faults.

mod environment;
mod faults;
mod files;
mod listeners;
mod page;
mod secrets;
pub(crate) mod table;
mod topology;
mod values;

use std::collections::BTreeMap;

use super::{RabbitProperties, from_str};
use crate::error::Faults;

/// Variables for a test.
fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn read(text: &str) -> RabbitProperties {
    read_with(text, &[])
}

fn read_with(text: &str, pairs: &[(&str, &str)]) -> RabbitProperties {
    from_str("rabbit.yml", text, &variables(pairs)).unwrap_or_else(|faults| panic!("{faults}"))
}

fn faults(text: &str) -> Faults {
    faults_with(text, &[])
}

fn faults_with(text: &str, pairs: &[(&str, &str)]) -> Faults {
    match from_str("rabbit.yml", text, &variables(pairs)) {
        Ok(_) => panic!("no fault was found in:\n{text}"),
        Err(faults) => faults,
    }
}

/// Each fault as its place and its sentence.
fn lines(faults: &Faults) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}
