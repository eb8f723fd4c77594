//! What the embedded broker does not do yet as RabbitMQ does it. A gap that was mended fails here until it is taken out.

/// `group::behaviour`, and what is missing.
pub(crate) const KNOWN_GAPS: &[(&str, &str)] = &[
    (
        "confirms::a_transactional_channel_can_not_confirm",
        "no transactions",
    ),
    (
        "handshake::a_frame_size_above_the_offer_is_refused",
        "a bad tune-ok is told by a close",
    ),
    (
        "handshake::a_frame_size_below_the_minimum_is_refused",
        "a bad tune-ok is told by a close",
    ),
    (
        "handshake::more_channels_than_agreed_are_refused",
        "another text",
    ),
    (
        "headers_exchange::an_unknown_x_match_is_refused",
        "x-match is not checked",
    ),
    (
        "publishing::a_blind_carbon_copy_reaches_its_queue_and_is_not_shown",
        "BCC is not done",
    ),
    (
        "publishing::a_carbon_copy_that_is_no_list_is_refused",
        "CC is not checked",
    ),
    (
        "quorum::a_channel_wide_prefetch_is_refused",
        "global qos on a quorum queue is let through",
    ),
    (
        "reply_to::the_pseudo_queue_can_be_looked_for",
        "a passive declare of amq.rabbitmq.reply-to is not found",
    ),
    ("transactions::a_commit_publishes", "no transactions"),
    (
        "transactions::a_commit_without_a_select_is_refused",
        "no transactions",
    ),
    (
        "transactions::a_confirming_channel_can_not_be_transactional",
        "no transactions",
    ),
    (
        "transactions::a_lost_channel_drops_what_was_not_committed",
        "no transactions",
    ),
    (
        "transactions::a_rollback_drops_what_was_published",
        "no transactions",
    ),
    (
        "transactions::a_rollback_takes_acks_back",
        "no transactions",
    ),
    (
        "transactions::a_rollback_without_a_select_is_refused",
        "no transactions",
    ),
    (
        "transactions::acks_take_effect_at_the_commit",
        "no transactions",
    ),
    (
        "transactions::an_unroutable_mandatory_message_is_returned_at_the_commit",
        "no transactions",
    ),
    (
        "transactions::nothing_is_published_before_the_commit",
        "no transactions",
    ),
];

/// Every gap names a behaviour that exists.
#[test]
fn each_known_gap_is_a_behaviour() {
    let all = crate::stage::every_name();
    for (name, _) in KNOWN_GAPS {
        assert!(all.contains(&(*name).to_owned()), "{name} is no behaviour");
    }
}
