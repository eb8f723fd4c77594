//! docs/properties.md, written from the table.

use std::fmt::Write as _;

use super::property::{Kind, Preset, Property, Spring, Verdict};
use super::table;

const HEAD: &str = "# Properties\n\n\
Written from the table in `rmq-core/src/config/table`; a test compares. To write it anew:\n\
`RMQ_WRITE_PROPERTIES=1 cargo test -p rmq-core --lib config::tests::page`.\n\n\
All paths stand below `rabbitmq:` (or `spring.rabbitmq:`) in the settings file. `prefetch-count`,\n\
`prefetchCount` and `prefetch_count` are one name, and dots may join names. A variable `RABBIT_...` replaces the\n\
value at its own path and keeps that path's rank: built-in default, then section default, then attribute, then\n\
`listeners.<id>`. `brokers.<name>.<property>` takes the same properties for a further broker\n\
(`RABBIT_BROKERS_<NAME>_...`), with defaults of its own.\n\n\
A plain number has the unit that the type names. Durations: `5s`, `500ms`, `1m`, `PT5S`. Sizes count in 1,024:\n\
`64MB`. Verdicts: **works**; **works with another default** than Spring's; **renamed** and **refused** end the\n\
start with a fault that says what to do.\n";

/// The text of docs/properties.md.
#[must_use]
pub fn properties_page() -> String {
    let mut page = HEAD.to_owned();
    let mut group = "";
    for property in sorted() {
        let next = heading(&property.path);
        if next != group {
            group = next;
            let _ = write!(
                page,
                "\n## {group}\n\n| property | type | default | Spring's default | verdict | meaning |\n|---|---|---|---|---|---|\n"
            );
        }
        line(&mut page, property);
    }
    page.push_str("\n## Variables that are no property\n\n`RABBIT_CONFIG_FILE` names the settings file, `RABBIT_PROFILES` the active profiles.\n");
    page
}

/// The rows, those of one heading together, else as in the table.
fn sorted() -> Vec<&'static Property> {
    let mut order: Vec<&str> = Vec::new();
    for property in table::all() {
        let heading = heading(&property.path);
        if !order.contains(&heading) {
            order.push(heading);
        }
    }
    let mut rows: Vec<&Property> = table::all().iter().collect();
    rows.sort_by_key(|property| {
        order
            .iter()
            .position(|known| *known == heading(&property.path))
    });
    rows
}

fn heading(path: &str) -> &'static str {
    let groups = [
        ("ssl.", "TLS"),
        ("cache.", "Channels"),
        ("recovery.", "Recovery"),
        ("publisher", "Publisher"),
        ("template.", "Template"),
        ("listener.simple.executor.", "Executor"),
        ("listener.simple.", "Listeners: section default"),
        ("listener.direct.", "Direct container"),
        ("listener.stream.", "Streams"),
        ("listener.", "Listeners: section default"),
        ("listeners.", "Listeners: one by its id"),
        ("stream.", "Streams"),
        ("topology.exchanges", "Topology: exchanges"),
        ("topology.queues", "Topology: queues"),
        ("topology.bindings", "Topology: bindings"),
    ];
    let group = groups.iter().find(|(prefix, _)| path.starts_with(prefix));
    group.map_or("Connection", |(_, heading)| heading)
}

fn line(page: &mut String, property: &Property) {
    let refused = matches!(
        property.verdict,
        Verdict::Renamed { .. } | Verdict::Refused { .. }
    );
    let kind = if refused {
        String::new()
    } else {
        kind(property.kind)
    };
    let default = match property.default {
        Preset::Is("") => "empty".to_owned(),
        Preset::Is(text) => format!("`{text}`"),
        Preset::Unset(text) => text.to_owned(),
    };
    let spring = match property.spring {
        Spring::Default(text) => text,
        Spring::Former => "(former name)",
        Spring::Nothing => "(ours)",
    };
    let path = property.path.replace('*', "<id>");
    let _ = writeln!(
        page,
        "| `{}` | {kind} | {default} | {spring} | {} | {} |",
        path,
        verdict(property),
        sentence(property.meaning)
    );
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|c| c.to_uppercase().to_string())
        .unwrap_or_default();
    let end = if text.is_empty() || text.ends_with(['.', '?']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{end}", letters.as_str())
}

/// What becomes of the property, in the words of the page.
pub(super) fn verdict(property: &Property) -> String {
    match (property.verdict, property.default, property.spring) {
        (Verdict::Renamed { to, .. }, _, _) => format!("renamed `{to}`"),
        (
            Verdict::Refused {
                except: Some(except),
                ..
            },
            _,
            _,
        ) => format!("refused, except `{except}`"),
        (Verdict::Refused { except: None, .. }, _, _) => "refused".to_owned(),
        (Verdict::Works, Preset::Is(ours), Spring::Default(springs))
            if ours != springs && !(ours.is_empty() && springs == "empty") =>
        {
            "works with another default".to_owned()
        }
        _ => "works".to_owned(),
    }
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Secret => "text, never shown".to_owned(),
        Kind::Duration { zero, .. } if !zero.is_empty() => {
            format!("{}; zero: {zero}", short(kind))
        }
        Kind::Choice(names) => names
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", "),
        other => short(other),
    }
}

fn short(kind: Kind) -> String {
    match kind {
        Kind::Duration { unit, .. } => format!("duration ({})", unit.as_str()),
        Kind::Size { min, max } if min > 1 || max != u64::MAX => {
            format!("size (bytes), {min} to {max}")
        }
        Kind::Size { .. } => "size (bytes)".to_owned(),
        Kind::Whole { min, max } if max > 4_294_967_295 => format!("whole number from {min}"),
        Kind::Whole { min, max } => format!("{min} to {max}"),
        other => other.expected(),
    }
}
