use super::*;

#[tokio::test]
async fn what_finished_and_was_never_written_is_not_proven() {
    let runtime = tokio::runtime::Handle::current();
    let lease = Lease::new(1, Arc::new(Outbox::new()), Limits::default(), runtime);
    lease.delivered(1, false).unwrap();
    lease.delivered(2, false).unwrap();
    lease.settle(1, Settlement::Ack).unwrap();
    assert_eq!(lease.unproven(), 1, "not even gathered");
    lease.gather();
    assert_eq!(lease.unproven(), 1, "written");
    lease.settle(2, Settlement::Ack).unwrap();
    lease.end(&CloseCause {
        link: true,
        code: 0,
        text: "lost".into(),
        class: 0,
        method: 0,
        by_us: false,
    });
    lease.gather();
    assert_eq!(lease.unproven(), 2, "one never left");
}
