//! One message from a queue, on request.
//!
//! A receive leases a plain channel of its own, so that a queue that is not there takes nobody else's message with
//! it. With a timeout of zero it asks once (`basic.get`); else it consumes with prefetch 1, cancels, and takes what came.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::connection::{ChannelLease, Connection};
use crate::message::Delivery;
use crate::name::Name;
use crate::time::Deadline;
use crate::transport::{CloseCause, ConsumeSpec, DeliverySink, Settlement};

use super::{ReceiveError, Received};

/// How long leasing a channel and each control call may take.
const CONTROL: Duration = Duration::from_secs(10);
const CONSUMER: Name = Name::from_static("rmq.receive");

/// Fetches one message; `None` when none came in time.
pub(super) async fn receive(
    connection: &Connection,
    queue: &Name,
    timeout: Duration,
) -> Result<Option<Received>, ReceiveError> {
    let lease = connection.lease(Deadline::after(CONTROL)).await;
    let lease = lease.map_err(|error| ReceiveError::connect(queue, error))?;
    if timeout.is_zero() {
        get(lease, queue).await
    } else {
        consume_one(lease, queue, Deadline::after(timeout)).await
    }
}

/// If dropped while the broker answers, the lease is dropped and its channel closed: the message is back in its queue.
async fn get(lease: ChannelLease, queue: &Name) -> Result<Option<Received>, ReceiveError> {
    let got = lease.get(queue, false, Deadline::after(CONTROL)).await;
    match got {
        Ok(Some(got)) => whole(queue, Received::new(got.delivery, lease)).map(Some),
        Ok(None) => {
            lease.give_back();
            Ok(None)
        }
        Err(error) => Err(ReceiveError::transport(queue, error)),
    }
}

/// As [`get`], if dropped.
async fn consume_one(
    lease: ChannelLease,
    queue: &Name,
    deadline: Deadline,
) -> Result<Option<Received>, ReceiveError> {
    let failed = |error| ReceiveError::transport(queue, error);
    let control = || Deadline::after(CONTROL);
    lease.qos(1, control()).await.map_err(failed)?;
    let slot = Arc::new(OneDelivery::default());
    let spec = ConsumeSpec {
        queue: queue.clone(),
        consumer_tag: CONSUMER,
        no_ack: false,
        exclusive: false,
        arguments: Vec::new(),
    };
    let sink: Arc<dyn DeliverySink> = Arc::clone(&slot) as _;
    let consumed = lease.consume(spec, sink, control()).await;
    consumed.map_err(failed)?;
    // At the deadline there may be one all the same: it is looked for once no further can come.
    let _in_time = deadline.limit(slot.changed.notified()).await.is_ok();
    lease.cancel(&CONSUMER, control()).await.map_err(failed)?;
    let mut deliveries = slot.take().into_iter();
    let first = deliveries.next();
    for other in deliveries {
        // Prefetch 1 allows no second; if a broker sends one, it goes back.
        lease
            .settle(other.tag(), Settlement::HandBack)
            .map_err(|_| ReceiveError::ended(queue))?;
    }
    match first {
        Some(delivery) => whole(queue, Received::new(delivery, lease)).map(Some),
        None if lease.close_cause().is_some() => Err(ReceiveError::ended(queue)),
        None => {
            lease.give_back();
            Ok(None)
        }
    }
}

/// A message of which part was left out is not given as if it were all.
fn whole(queue: &Name, received: Received) -> Result<Received, ReceiveError> {
    match received
        .delivery()
        .fault()
        .filter(|fault| fault.is_incomplete())
    {
        Some(fault) => Err(ReceiveError::incomplete(queue, fault, received)),
        None => Ok(received),
    }
}

/// Holds what a consumer with prefetch 1 got.
#[derive(Default)]
struct OneDelivery {
    deliveries: Mutex<Vec<Delivery>>,
    changed: Notify,
}

impl OneDelivery {
    fn take(&self) -> Vec<Delivery> {
        std::mem::take(&mut *self.deliveries.lock())
    }
}

impl DeliverySink for OneDelivery {
    fn deliver(&self, deliveries: &mut Vec<Delivery>) {
        self.deliveries.lock().append(deliveries);
        self.changed.notify_one();
    }

    fn cancelled(&self) {
        self.changed.notify_one();
    }

    fn closed(&self, _cause: &CloseCause) {
        self.changed.notify_one();
    }
}
