/// What a listener does with its message, said outright: as a result (`Acknowledgement` or
/// `Result<Acknowledgement, E>`), or through an [`Acknowledger`](super::Acknowledger) in manual mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Acknowledgement {
    /// It is done: the broker forgets the message.
    Ack,
    /// It can never be done: the broker dead-letters the message, at once and without a retry.
    Reject,
    /// Not now: the message goes back to its queue, after the back-off, and the return is counted. On a quorum queue it
    /// counts towards the delivery limit.
    Requeue,
}
