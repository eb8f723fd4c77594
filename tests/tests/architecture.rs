//! The house stays as it is drawn: a room of `rmq-core` imports only the rooms that the table grants it.
//!
//! The table is data here, and the one in `ARCHITECTURE.md` has to say the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

mod layers;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use layers::imports::{Import, imports};
use layers::table::{ROOMS, ROOT_FILES, grants};

const LONGEST_FILE: usize = 400;
const LONGEST_MEDIAN: usize = 130;
/// Files that are longer than others may be, each with its reason.
const LONG_FILES: [(&str, &str); 0] = [];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
}

fn shown(path: &Path) -> String {
    path.strip_prefix(workspace())
        .unwrap_or(path)
        .display()
        .to_string()
}

/// Every import of every file of `rmq-core`, with the file's room; `None` is the root of the crate.
fn all_imports() -> Vec<(String, Option<String>, Import)> {
    let source = workspace().join("rmq-core/src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    let mut all = Vec::new();
    for file in files {
        let place = layers::place_of(file.strip_prefix(&source).unwrap());
        let room = place.first().cloned();
        for import in imports(&fs::read_to_string(&file).unwrap(), &place) {
            all.push((shown(&file), room.clone(), import));
        }
    }
    assert!(!all.is_empty(), "no source of rmq-core was found");
    all
}

#[test]
fn a_room_imports_only_the_rooms_that_the_table_grants_it() {
    let wrong: Vec<String> = all_imports()
        .into_iter()
        .filter_map(|(file, room, import)| {
            let why = layers::objection(room.as_deref()?, &import)?;
            Some(format!("{file}:{}: {why}", import.line))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_stands_in_the_table() {
    let source = workspace().join("rmq-core/src");
    for entry in fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let known = grants(&name).is_some() || ROOT_FILES.contains(&name.as_str());
        assert!(
            known,
            "{} is no room of the table in tests/tests/layers/table.rs",
            shown(&path)
        );
    }
}

#[test]
fn the_table_has_no_cycle() {
    let mut above: Vec<&str> = Vec::new();
    for (room, granted) in ROOMS {
        for below in *granted {
            assert!(
                above.contains(below),
                "{room} imports {below}, which is not below it"
            );
        }
        above.push(room);
    }
}

#[test]
fn the_page_shows_the_same_table() {
    let page = fs::read_to_string(workspace().join("ARCHITECTURE.md")).unwrap();
    let drawn = layers::table::read(&page);
    let held: BTreeMap<String, Vec<String>> = ROOMS
        .iter()
        .map(|(room, granted)| {
            let mut granted: Vec<String> = granted.iter().map(|one| (*one).to_owned()).collect();
            granted.sort();
            ((*room).to_owned(), granted)
        })
        .collect();
    assert_eq!(
        drawn, held,
        "ARCHITECTURE.md (left) and tests/tests/layers/table.rs (right)"
    );
}

#[test]
fn the_embedded_broker_shares_no_code_with_what_it_checks() {
    let manifest = fs::read_to_string(workspace().join("rmq-embedded/Cargo.toml")).unwrap();
    assert!(
        !manifest.contains("rmq-core"),
        "rmq-embedded names rmq-core in its manifest"
    );
}

#[test]
fn a_file_holds_one_concept() {
    let mut lengths = Vec::new();
    for package in ["rmq-core", "rmq-macros", "rmq-embedded"] {
        let mut files = Vec::new();
        rust_files(&workspace().join(package).join("src"), &mut files);
        // A list of cases is read one case at a time.
        let is_list =
            |file: &PathBuf| shown(file).ends_with("tests.rs") || shown(file).contains("/tests/");
        for file in files.into_iter().filter(|file| !is_list(file)) {
            let length = fs::read_to_string(&file).unwrap().lines().count();
            let name = shown(&file);
            let excused = LONG_FILES.iter().any(|(excused, _)| *excused == name);
            assert!(
                length <= LONGEST_FILE || excused,
                "{name} has {length} lines, over {LONGEST_FILE}"
            );
            lengths.push(length);
        }
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(
        median <= LONGEST_MEDIAN,
        "the median file has {median} lines, over {LONGEST_MEDIAN}"
    );
}

#[test]
fn excuses_for_long_files_are_still_needed() {
    for (file, reason) in LONG_FILES {
        let length = fs::read_to_string(workspace().join(file))
            .unwrap()
            .lines()
            .count();
        assert!(
            length > LONGEST_FILE,
            "{file} has {length} lines: drop the excuse {reason:?}"
        );
    }
}

/// The checks above can fail: each kind of wrong import is seen where it stands.
mod what_is_caught {
    use super::layers::{self, imports::imports};

    fn objections(place: &[&str], source: &str) -> Vec<String> {
        let place: Vec<String> = place.iter().map(|part| (*part).to_owned()).collect();
        let found = imports(source, &place);
        found
            .iter()
            .filter_map(|import| layers::objection(&place[0], import))
            .collect()
    }

    #[test]
    fn an_import_of_a_room_above() {
        assert_eq!(
            objections(&["transport"], "use crate::template::Window;").len(),
            1
        );
        assert_eq!(
            objections(&["template"], "use crate::transport::Link;").len(),
            0
        );
    }

    #[test]
    fn one_hidden_in_a_group() {
        assert_eq!(
            objections(&["transport"], "use crate::{name::Name, app::App};").len(),
            1
        );
    }

    #[test]
    fn one_by_way_of_super() {
        assert_eq!(
            objections(&["admin", "declare"], "use super::super::listener::Id;").len(),
            1
        );
        assert_eq!(
            objections(&["admin", "declare"], "use super::explain::Id;").len(),
            0
        );
    }

    #[test]
    fn one_by_way_of_super_in_an_inner_module() {
        let source = "mod inner { use super::super::app::App; use super::super::time::Deadline; }";
        assert_eq!(objections(&["admin"], source).len(), 1);
    }

    #[test]
    fn a_path_in_the_middle_of_code() {
        let source = "fn f() { let x = crate::app::now(); }";
        assert_eq!(objections(&["time"], source).len(), 1);
    }

    #[test]
    fn a_path_in_a_macro() {
        let source = "fn f() { println!(\"{}\", crate::app::NAME); }";
        assert_eq!(objections(&["time"], source).len(), 1);
    }

    #[test]
    fn a_name_of_the_root_instead_of_its_room() {
        assert_eq!(objections(&["admin"], "use crate::Error;").len(), 1);
    }

    #[test]
    fn everything_of_the_root() {
        assert_eq!(objections(&["admin"], "use crate::*;").len(), 1);
    }

    #[test]
    fn lapin_outside_the_transport() {
        for source in [
            "use lapin::Channel;",
            "fn f(c: &lapin::Channel) {}",
            "use ::lapin as l;",
        ] {
            assert_eq!(objections(&["admin"], source).len(), 1, "{source}");
            assert_eq!(objections(&["transport"], source).len(), 0, "{source}");
        }
    }

    #[test]
    fn the_embedded_broker_outside_the_transport_and_the_kit() {
        let source = "use rmq_embedded::EmbeddedBroker;";
        assert_eq!(objections(&["app"], source).len(), 1);
        assert_eq!(objections(&["transport"], source).len(), 0);
        assert_eq!(objections(&["testing"], source).len(), 0);
    }

    #[test]
    fn words_in_comments_and_texts_are_not_imports() {
        let source = "//! lapin and [`crate::app`]\n/// lapin::Channel\nconst A: &str = \"lapin::x crate::app\";";
        assert_eq!(objections(&["time"], source).len(), 0);
    }
}
