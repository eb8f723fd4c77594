//! What the embedded broker does not do yet as RabbitMQ does it. A gap that was mended fails here until it is taken out.

/// `group::behaviour`, and what is missing.
pub(crate) const KNOWN_GAPS: &[(&str, &str)] = &[];

/// Every gap names a behaviour that exists.
#[test]
fn each_known_gap_is_a_behaviour() {
    let all = crate::stage::every_name();
    for (name, _) in KNOWN_GAPS {
        assert!(all.contains(&(*name).to_owned()), "{name} is no behaviour");
    }
}
