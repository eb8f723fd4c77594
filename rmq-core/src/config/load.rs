//! The files themselves: which one is read, and its profile files.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::source::{Reading, SourceFile, assemble};
use super::typed::RabbitProperties;
use crate::error::{Fault, Faults, Place};

/// Which settings file to read.
#[derive(Debug, Clone, Default)]
pub struct FileSearch {
    /// The file that the program named when it started (`builder().file(..)`). It beats all else.
    pub builder: Option<PathBuf>,
    /// The file of the attribute (`#[rabbit_config(file = "...")]`). Without one, `rabbit.yml` is
    /// read if it is there.
    pub attribute: Option<PathBuf>,
}

/// The environment of this process. Nothing else here reads it.
#[must_use]
pub fn process_environment() -> BTreeMap<String, String> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os()
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

/// Finds and reads the settings file, its profile files `<name>-<profile>.yml` beside it, and the
/// variables `RABBIT_...` of `environment`.
///
/// The file is the one the program named, else `RABBIT_CONFIG_FILE`, else the attribute's. A
/// relative path is tried in the current folder, then in `CARGO_MANIFEST_DIR` of `environment`.
///
/// # Errors
/// Every fault at once, each with its place; a file that was not found with each path tried.
pub fn load(
    search: &FileSearch,
    environment: &BTreeMap<String, String>,
) -> Result<RabbitProperties, Faults> {
    read_files(search, environment).whole()
}

/// As [`load()`], with what could be read beside the faults.
pub(crate) fn read_files(search: &FileSearch, environment: &BTreeMap<String, String>) -> Reading {
    let (path, base) = match find(search, environment) {
        Ok(found) => {
            let (path, file) = found.unzip();
            (path, Ok(file))
        }
        Err(fault) => (None, Err(fault)),
    };
    let profile_file = |profile: &str| match &path {
        Some(path) => beside(path, profile),
        None => Ok(None),
    };
    assemble(base, profile_file, environment, &mut BTreeSet::new())
}

/// The file with its path; nothing if none was named and there is no `rabbit.yml`.
fn find(
    search: &FileSearch,
    environment: &BTreeMap<String, String>,
) -> Result<Option<(PathBuf, SourceFile)>, Fault> {
    let variable = environment
        .get("RABBIT_CONFIG_FILE")
        .filter(|path| !path.is_empty());
    let (wanted, who) = if let Some(path) = &search.builder {
        (
            path.clone(),
            Place::Elsewhere("builder().file(..)".to_owned()),
        )
    } else if let Some(path) = variable {
        (
            PathBuf::from(path),
            Place::Environment("RABBIT_CONFIG_FILE".to_owned()),
        )
    } else if let Some(path) = &search.attribute {
        (
            path.clone(),
            Place::Elsewhere("#[rabbit_config(file = ..)]".to_owned()),
        )
    } else {
        (PathBuf::from("rabbit.yml"), Place::Elsewhere(String::new()))
    };
    let required = who != Place::Elsewhere(String::new());
    let mut tried = Vec::new();
    for path in candidates(&wanted, environment) {
        if let Some(file) = read(&path)? {
            return Ok(Some((path, file)));
        }
        tried.push(path.display().to_string());
    }
    if !required {
        return Ok(None);
    }
    let sentence = format!(
        "the settings file was not found; tried {}",
        tried.join(", ")
    );
    Err(Fault::new(who, sentence).fix("create it, or name it by RABBIT_CONFIG_FILE"))
}

fn candidates(wanted: &Path, environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
    if wanted.is_absolute() {
        return vec![wanted.to_owned()];
    }
    let here = std::env::current_dir().map(|folder| folder.join(wanted));
    let mut candidates = vec![here.unwrap_or_else(|_| wanted.to_owned())];
    if let Some(package) = environment.get("CARGO_MANIFEST_DIR") {
        let path = Path::new(package).join(wanted);
        if !candidates.contains(&path) {
            candidates.push(path);
        }
    }
    candidates
}

/// `rabbit-<profile>.yml` beside `rabbit.yml`.
fn beside(base: &Path, profile: &str) -> Result<Option<SourceFile>, Fault> {
    let stem = base.file_stem().unwrap_or_default().to_string_lossy();
    let name = match base.extension() {
        Some(extension) => format!("{stem}-{profile}.{}", extension.to_string_lossy()),
        None => format!("{stem}-{profile}"),
    };
    // A profile names a file beside the base, never one elsewhere.
    if name.contains(['/', '\\']) {
        let place = Place::Elsewhere("the active profiles".to_owned());
        return Err(Fault::new(place, "a profile's name holds a path separator"));
    }
    read(&base.with_file_name(name))
}

/// Reads a file; nothing if there is none.
fn read(path: &Path) -> Result<Option<SourceFile>, Fault> {
    let name = shown(path);
    let fault = |sentence: String| Fault::new(Place::Elsewhere(name.clone()), sentence);
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(format!("the settings file cannot be read: {error}"))),
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        fault(format!("the settings file is not UTF-8 from byte {at} on"))
    })?;
    let text = text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text);
    Ok(Some(SourceFile { name, text }))
}

/// The path as a person in the current folder would write it.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here)
        .unwrap_or(path)
        .display()
        .to_string()
}
