//! What a test does to a broker: script faults, read the record, block, cut, close.

use crate::broker::EmbeddedBroker;
use crate::fault::{OnAck, OnConnection, OnDelivery, OnMethod, OnPublish, Script};
use crate::model::exception::{Exception, name_of};
use crate::record::Record;

impl EmbeddedBroker {
    /// A fault at a publish whose every frame arrived.
    pub fn on_publish(&self) -> Script<OnPublish> {
        Script::new(self.state.clone())
    }

    /// A fault at a delivery to a consumer.
    pub fn on_delivery(&self) -> Script<OnDelivery> {
        Script::new(self.state.clone())
    }

    /// A fault at an ack, nack or reject that arrived.
    pub fn on_ack(&self) -> Script<OnAck> {
        Script::new(self.state.clone())
    }

    /// A fault at another method, named as RabbitMQ does: `queue.declare`, `connection.start_ok`, `confirm.select`.
    pub fn on_method(&self, method: &str) -> Script<OnMethod> {
        Script::<OnMethod>::new(self.state.clone()).named(method)
    }

    /// A fault at a client that connected and said nothing yet.
    pub fn on_connection(&self) -> Script<OnConnection> {
        Script::new(self.state.clone())
    }

    /// Takes all faults back. What they did stays done.
    pub fn clear_faults(&self) {
        self.state.lock().rules.clear();
    }

    /// Everything the broker saw and did, in order.
    pub fn record(&self) -> Record {
        Record {
            log: self.state.lock().log.clone(),
        }
    }

    /// Raises the memory alarm: connections that publish are told `connection.blocked` and are no longer read from, as
    /// RabbitMQ does it; one that never published is blocked after its first message.
    pub fn block(&self) {
        self.state.lock().set_alarm(true);
    }

    /// Clears the alarm that [`Self::block`] raised.
    pub fn unblock(&self) {
        self.state.lock().set_alarm(false);
    }

    /// Confirms what [`Script::hold_confirm`] holds back.
    pub fn release_confirms(&self) {
        self.state.lock().release_confirms();
    }

    /// Reads again from every client that a fault stopped reading from.
    pub fn read_again(&self) {
        self.state.lock().read_again();
    }

    /// Cuts every link; the broker stays up.
    pub fn cut_all(&self) {
        let mut state = self.state.lock();
        for id in state.connection_ids() {
            state.cut_link(id);
        }
    }

    /// Closes every connection with this code and text, as `rabbitmqctl close_all_connections` does with 320.
    pub fn close_all(&self, code: u16, text: &str) {
        let text = format!("{} - {text}", name_of(code));
        let exception = Exception {
            text,
            ..Exception::new(code, "")
        };
        let mut state = self.state.lock();
        for id in state.connection_ids() {
            state.close_connection(id, &exception, (0, 0));
        }
    }

    /// Connections that are up.
    pub fn connection_count(&self) -> usize {
        self.state.lock().connections.len()
    }

    /// Messages that wait in a queue of the first vhost; `None` where there is no such queue.
    pub fn ready_count(&self, queue: &str) -> Option<usize> {
        let state = self.state.lock();
        let id = state.vhosts.first()?.queues.get(queue)?;
        state.queues.get(id).map(|queue| queue.ready.len())
    }

    /// Messages of a queue of the first vhost that were delivered and are not settled; `None` where there is no such queue.
    pub fn unacked_count(&self, queue: &str) -> Option<usize> {
        let state = self.state.lock();
        let id = state.vhosts.first()?.queues.get(queue)?;
        state.queues.get(id).map(|queue| queue.unacked)
    }
}
