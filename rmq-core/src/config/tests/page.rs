//! docs/properties.md is the table.

use super::super::properties_page;

#[test]
fn the_page_of_properties_is_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/properties.md");
    let page = properties_page();
    if std::env::var_os("RMQ_WRITE_PROPERTIES").is_some() {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs")).unwrap();
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    let first = written
        .lines()
        .zip(page.lines())
        .find(|(written, page)| written != page);
    assert!(
        written == page,
        "docs/properties.md is not what the table says, from {first:?} on; write it anew with \
         RMQ_WRITE_PROPERTIES=1 cargo test -p rmq-core --lib config::tests::page"
    );
}
