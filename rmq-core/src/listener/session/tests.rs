#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

fn tag(text: &str) -> Name {
    Name::try_from(text).unwrap()
}

#[test]
fn a_late_cancel_does_not_touch_the_consumer_that_came_after_it() {
    let mut subscribed = Subscribed {
        tags: vec![(0, tag("c.1")), (1, tag("c.3"))],
        ..Subscribed::default()
    };
    let cancelled = |queue, text| Cancelled {
        queue,
        tag: tag(text),
    };
    assert!(!subscribed.forget(&cancelled(1, "c.2")), "consumed again");
    assert_eq!(subscribed.tags, [(0, tag("c.1")), (1, tag("c.3"))]);
    assert!(subscribed.forget(&cancelled(1, "c.3")));
    assert_eq!(subscribed.tags, [(0, tag("c.1"))]);
}
