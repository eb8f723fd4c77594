#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use futures_util::future::poll_immediate;

use super::*;
use crate::message::Message;

fn delivery(tag: u64) -> Delivery {
    let message = Message::new("body").with_message_id(format!("m{tag}"));
    Delivery::of(message, "", "").with_tag(tag)
}

fn filled(
    no_ack: bool,
    bound: usize,
    tags: std::ops::Range<u64>,
) -> (Arc<Inbox>, Arc<dyn DeliverySink>) {
    let inbox = Inbox::new(Arc::default(), no_ack, bound);
    let sink = inbox.sink(0, tag_of("t0"));
    sink.deliver(&mut tags.map(delivery).collect());
    (inbox, sink)
}

fn closed() -> CloseCause {
    CloseCause {
        link: false,
        code: 0,
        text: "provoked".into(),
        class: 0,
        method: 0,
        by_us: false,
    }
}

fn tag(event: Option<Event>) -> u64 {
    match event {
        Some(Event::Delivery(arrived)) => arrived.delivery.tag(),
        other => panic!("not a delivery: {other:?}"),
    }
}

fn tag_of(text: &str) -> Name {
    Name::try_from(text).unwrap()
}

fn cancelled(event: Option<Event>) -> (usize, Name) {
    match event {
        Some(Event::Cancelled(Cancelled { queue, tag })) => (queue, tag),
        other => panic!("not a cancel: {other:?}"),
    }
}

fn left(inbox: &Inbox) -> (u64, u64) {
    let counts = inbox.counters.snapshot().deliveries;
    (counts.left_to_broker, counts.in_flight)
}

#[test]
fn the_end_of_the_channel_leaves_to_the_broker_what_was_not_started() {
    let (inbox, sink) = filled(false, 0, 1..6);
    assert_eq!(tag(inbox.poll_now()), 1);
    sink.closed(&closed());
    assert!(matches!(inbox.poll_now(), Some(Event::Closed(_))));
    // The one that was started is its consumer's to count.
    assert_eq!(left(&inbox), (4, 1));
}

#[test]
fn without_acknowledgements_the_end_of_the_channel_takes_nothing_away() {
    let (inbox, sink) = filled(true, 100, 1..4);
    sink.closed(&closed());
    for expected in 1..4 {
        assert_eq!(tag(inbox.poll_now()), expected);
    }
    assert!(matches!(inbox.poll_now(), Some(Event::Closed(_))));
    assert_eq!(left(&inbox), (0, 3));
}

#[test]
fn what_is_taken_back_is_the_newest_and_the_rest_keeps_its_order() {
    let (inbox, _sink) = filled(false, 0, 1..8);
    let taken = inbox.take_back(3, |arrived| arrived.delivery.tag() != 6);
    let tags: Vec<u64> = taken.iter().map(|delivery| delivery.tag()).collect();
    assert_eq!(tags, [4, 5, 7]);
    for expected in [1, 2, 3, 6] {
        assert_eq!(tag(inbox.poll_now()), expected);
    }
    inbox.drained();
    assert!(matches!(inbox.poll_now(), Some(Event::Drained)));
}

#[test]
fn drained_it_starts_nothing_more_and_keeps_what_is_to_go_back() {
    let (inbox, sink) = filled(false, 0, 1..4);
    assert_eq!(tag(inbox.poll_now()), 1);
    inbox.drained();
    assert!(matches!(inbox.poll_now(), Some(Event::Drained)));
    sink.deliver(&mut vec![delivery(4)]);
    assert!(matches!(inbox.poll_now(), Some(Event::Drained)));
    let back = inbox.take_back(0, |_| true);
    let tags: Vec<u64> = back.iter().map(|delivery| delivery.tag()).collect();
    assert_eq!(tags, [2, 3, 4]);
}

#[test]
fn without_acknowledgements_what_is_here_is_handled_before_it_is_drained() {
    let (inbox, sink) = filled(true, 10, 1..2);
    inbox.drained();
    sink.deliver(&mut vec![delivery(2)]);
    assert_eq!(tag(inbox.poll_now()), 1);
    assert_eq!(tag(inbox.poll_now()), 2);
    assert!(matches!(inbox.poll_now(), Some(Event::Drained)));
}

#[test]
fn a_cancelled_queue_is_told_at_once_and_what_it_delivered_is_handled() {
    let (inbox, sink) = filled(false, 0, 1..3);
    let other = inbox.sink(1, tag_of("t1"));
    assert_eq!(tag(inbox.poll_now()), 1);
    other.cancelled();
    assert_eq!(cancelled(inbox.poll_now()), (1, tag_of("t1")));
    sink.cancelled();
    // Before it is consumed again, or its new consumer would be taken for the cancelled one.
    inbox.recall_at(usize::MAX);
    assert_eq!(cancelled(inbox.poll_now()), (0, tag_of("t0")));
    assert!(matches!(inbox.poll_now(), Some(Event::Recalled)));
    inbox.deserted();
    assert_eq!(tag(inbox.poll_now()), 2);
    assert!(matches!(inbox.poll_now(), Some(Event::Deserted)));
    assert!(inbox.poll_now().is_none());
}

#[tokio::test]
async fn a_consumer_held_back_is_recalled_at_half_of_the_bound() {
    let (inbox, sink) = filled(true, 4, 1..4);
    assert!(poll_immediate(inbox.overrun()).await.is_none());
    sink.deliver(&mut vec![delivery(4)]);
    assert!(poll_immediate(inbox.overrun()).await.is_some());
    inbox.held_back();
    assert_eq!(tag(inbox.poll_now()), 1);
    assert_eq!(tag(inbox.poll_now()), 2);
    assert!(matches!(inbox.poll_now(), Some(Event::Recalled)));
    assert_eq!(tag(inbox.poll_now()), 3);
}

#[tokio::test]
async fn a_waiting_consumer_wakes_for_each_kind_of_event() {
    let (inbox, sink) = filled(false, 0, 1..1);
    let mut next = Box::pin(inbox.next());
    assert!(poll_immediate(&mut next).await.is_none());
    let waiting = tokio::spawn({
        let inbox = Arc::clone(&inbox);
        async move { inbox.next().await }
    });
    drop(next);
    tokio::task::yield_now().await;
    sink.deliver(&mut vec![delivery(9)]);
    assert_eq!(tag(Some(waiting.await.unwrap())), 9);
    assert_eq!(inbox.started().unwrap().message_id.as_deref(), Some("m9"));
    let waiting = tokio::spawn({
        let inbox = Arc::clone(&inbox);
        async move { inbox.ended().await }
    });
    tokio::task::yield_now().await;
    inbox.drained();
    waiting.await.unwrap();
}

/// Nothing that the broker has forgotten stays in flight for ever, also when the consumer unwinds.
#[test]
fn without_acknowledgements_what_is_left_with_its_consumer_is_counted_as_lost() {
    let (inbox, sink) = filled(true, 10, 1..4);
    let occupied = inbox.occupied();
    assert_eq!(tag(inbox.poll_now()), 1);
    drop(occupied);
    // Its channel is still open for a moment.
    sink.deliver(&mut vec![delivery(4), delivery(5)]);
    let counts = inbox.counters.snapshot();
    assert_eq!(counts.lost_without_acknowledgement, 4);
    assert_eq!(counts.deliveries.in_flight, 1, "the started one is its own");
    sink.closed(&closed());
    assert!(matches!(inbox.poll_now(), Some(Event::Closed(_))));
}

#[test]
fn with_acknowledgements_the_end_of_the_channel_gives_back_what_a_consumer_left() {
    let (inbox, sink) = filled(false, 0, 1..4);
    drop(inbox.occupied());
    assert_eq!(left(&inbox), (0, 3));
    sink.closed(&closed());
    assert_eq!(left(&inbox), (3, 0));
}
