//! Which files are read: search, profiles, documents.

use std::path::{Path, PathBuf};

use super::super::{FileSearch, RabbitProperties, load};
use super::{faults, faults_with, lines, read, read_with, variables};
use crate::error::Faults;

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn load(&self, attribute: &str, pairs: &[(&str, &str)]) -> Result<RabbitProperties, Faults> {
        let package = self.0.path().display().to_string();
        let mut environment = variables(pairs);
        environment.insert("CARGO_MANIFEST_DIR".to_owned(), package);
        let search = FileSearch {
            builder: None,
            attribute: Some(PathBuf::from(attribute)),
        };
        load(&search, &environment)
    }
}

fn exchange(properties: Result<RabbitProperties, Faults>) -> String {
    properties
        .unwrap_or_else(|faults| panic!("{faults}"))
        .template
        .exchange
}

#[test]
fn the_program_beats_the_variable_which_beats_the_attribute() {
    let folder = Folder::with(&[
        (
            "a-of-this-test.yml",
            "rabbitmq: {template: {exchange: attribute}}",
        ),
        ("v.yml", "rabbitmq: {template: {exchange: variable}}"),
        ("b.yml", "\u{feff}rabbitmq: {template: {exchange: builder}}"),
    ]);
    assert_eq!(
        exchange(folder.load("a-of-this-test.yml", &[])),
        "attribute"
    );
    let variable = folder.path("v.yml").display().to_string();
    let pairs = [("RABBIT_CONFIG_FILE", variable.as_str())];
    assert_eq!(
        exchange(folder.load("a-of-this-test.yml", &pairs)),
        "variable"
    );
    let search = FileSearch {
        builder: Some(folder.path("b.yml")),
        attribute: None,
    };
    assert_eq!(exchange(load(&search, &variables(&pairs))), "builder");
}

#[test]
fn a_file_that_is_not_found_is_a_fault_with_every_path_tried() {
    let folder = Folder::with(&[]);
    let found = lines(&folder.load("no-such-file.yml", &[]).unwrap_err());
    let here = std::env::current_dir().unwrap().join("no-such-file.yml");
    for tried in [here, folder.path("no-such-file.yml")] {
        assert!(
            found
                .first()
                .unwrap()
                .contains(&tried.display().to_string()),
            "{found:?}"
        );
    }
    let pairs = [("RABBIT_CONFIG_FILE", "/no/such/file.yml")];
    let found = lines(&folder.load("also-not-there.yml", &pairs).unwrap_err());
    assert!(
        found.first().unwrap().contains(
            "RABBIT_CONFIG_FILE: the settings file was not found; tried /no/such/file.yml"
        ),
        "{found:?}"
    );
}

#[test]
fn without_any_name_the_defaults_and_the_environment_do() {
    let environment = variables(&[
        ("RABBIT_TEMPLATE_EXCHANGE", "e"),
        ("CARGO_MANIFEST_DIR", "/no/such/folder"),
    ]);
    assert!(!Path::new("rabbit.yml").exists());
    assert_eq!(exchange(load(&FileSearch::default(), &environment)), "e");
}

#[test]
fn a_profile_has_a_file_of_its_own_and_the_last_profile_wins() {
    let folder = Folder::with(&[
        (
            "r.yml",
            "rabbitmq: {template: {exchange: base, routing-key: base}, username: base}",
        ),
        (
            "r-dev.yml",
            "rabbitmq: {template: {exchange: dev, routing-key: dev}}",
        ),
        ("r-eu.yml", "rabbitmq: {template: {exchange: eu}}"),
    ]);
    let properties = folder
        .load("r.yml", &[("RABBIT_PROFILES", "dev, eu, none")])
        .unwrap();
    assert_eq!(
        (
            properties.template.exchange.as_str(),
            properties.template.routing_key.as_str()
        ),
        ("eu", "dev")
    );
    assert_eq!(properties.connection.credentials.username, "base");
    assert_eq!(properties.sources.files.len(), 3);
    assert_eq!(properties.sources.unused_profiles, ["none"]);
}

#[test]
fn faults_of_base_and_profile_come_together_each_with_its_file() {
    let folder = Folder::with(&[
        ("r.yml", "spring.profiles.active: dev\nrabbitmq: {hots: a}"),
        ("r-dev.yml", "rabbitmq: {prt: 1}"),
    ]);
    let found = lines(&folder.load("r.yml", &[]).unwrap_err());
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found.iter().any(|line| line.contains("r-dev.yml:1:12")),
        "{found:?}"
    );
}

#[test]
fn a_profile_names_a_file_beside_the_base_only() {
    let folder = Folder::with(&[("r.yml", "rabbitmq: {}")]);
    assert!(
        folder
            .load("r.yml", &[("RABBIT_PROFILES", "../../etc/x")])
            .is_err()
    );
}

#[test]
fn files_that_are_no_text_are_a_fault() {
    let folder = Folder::with(&[("r.yml", "")]);
    std::fs::write(folder.path("r.yml"), [b'a', 0xff]).unwrap();
    assert!(
        lines(&folder.load("r.yml", &[]).unwrap_err())
            .first()
            .unwrap()
            .contains("not UTF-8 from byte 1")
    );
}

const DOCUMENTS: &str = "spring.profiles.active: ${PROFILE:dev}\nrabbitmq:\n  template: {exchange: base}\n---\nspring:\n  config:\n    activate:\n      on-profile: dev\nrabbitmq:\n  template: {exchange: dev}\n---\nspring.config.activate.on-profile: [prod, staging]\nrabbitmq:\n  template: {exchange: prod}\n  stream.name: not supported, and not active\n";

#[test]
fn documents_of_a_profile_count_when_it_is_active() {
    assert_eq!(read(DOCUMENTS).template.exchange, "dev");
    assert_eq!(
        read_with(DOCUMENTS, &[("PROFILE", "other")])
            .template
            .exchange,
        "base"
    );
    assert_eq!(
        read_with(DOCUMENTS, &[("RABBIT_PROFILES", "other")])
            .template
            .exchange,
        "base"
    );
    let active = faults_with(DOCUMENTS, &[("RABBIT_PROFILES", "staging")]);
    assert!(
        lines(&active)
            .first()
            .unwrap()
            .starts_with("rabbit.yml:15:3")
    );
}

#[test]
fn a_list_of_a_profile_replaces_the_list_of_the_base() {
    let text = "rabbitmq: {addresses: [a, b]}\n---\nspring.config.activate.on-profile: dev\nrabbitmq: {addresses: [c]}\n";
    let properties = read_with(text, &[("RABBIT_PROFILES", "dev")]);
    assert_eq!(properties.connection.addresses.len(), 1);
    assert_eq!(read(text).connection.addresses.len(), 2);
}

#[test]
fn profiles_that_cannot_be_known_are_a_fault() {
    let found = lines(&faults(
        "spring.profiles.active: ${PROFILE}\nrabbitmq: {}\n",
    ));
    assert!(
        found.first().unwrap().starts_with("rabbit.yml:1:25"),
        "{found:?}"
    );
    let found = lines(&faults(
        "spring.config.activate.on-profile: (a & b) | c\nrabbitmq: {}\n",
    ));
    assert!(
        found.first().unwrap().contains("profile expression"),
        "{found:?}"
    );
}

#[test]
fn the_selector_from_before_spring_boot_2_4_is_a_fault_where_it_stands_beside_settings() {
    for old in [
        "spring:\n  profiles: prod\n  rabbitmq: {host: prod}\n",
        "spring.profiles: [prod]\nrabbitmq.host: prod\n",
        "spring.profiles: prod\nspring.rabbitmq.host: prod\n",
    ] {
        let found = lines(&faults(&format!("rabbitmq: {{host: dev}}\n---\n{old}")));
        assert!(
            found.first().unwrap().contains("on-profile"),
            "{old}: {found:?}"
        );
    }
    let elsewhere = "rabbitmq: {host: dev}\n---\nspring.profiles: prod\nserver.port: 80\n";
    assert_eq!(read(elsewhere).connection.addresses.len(), 1);
    let other = "spring: {profiles: {include: a}}\nrabbitmq: {host: dev}\n";
    assert_eq!(read(other).connection.addresses.len(), 1);
}
