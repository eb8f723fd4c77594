//! The one table of properties. It checks the file, reads the environment, gives the defaults and
//! writes docs/properties.md.

mod connection;
mod listener;
mod publisher;
mod ssl;
mod stream;
mod topology;

use std::sync::LazyLock;

use super::property::Property;

static TABLE: LazyLock<Vec<Property>> = LazyLock::new(|| {
    let mut rows = connection::rows();
    rows.extend(ssl::rows());
    rows.extend(publisher::rows());
    rows.extend(listener::rows());
    rows.extend(stream::rows());
    rows.extend(topology::rows());
    rows
});

/// Every property.
pub(super) fn all() -> &'static [Property] {
    &TABLE
}

/// The property of that path.
pub(super) fn find(path: &str) -> Option<&'static Property> {
    TABLE.iter().find(|property| property.path == path)
}

/// The names that may stand below `prefix` (empty for the top), each once.
pub(super) fn below(prefix: &str) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for property in all() {
        let rest = match prefix {
            "" => Some(property.path.as_str()),
            prefix => property
                .path
                .strip_prefix(prefix)
                .and_then(|rest| rest.strip_prefix('.')),
        };
        if let Some(name) = rest.and_then(|rest| rest.split('.').next()) {
            let name = name.strip_suffix("[]").unwrap_or(name);
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}
