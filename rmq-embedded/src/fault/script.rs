//! The words a test scripts faults with.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::rule::{Action, AtPublish, Point, Rule};
use crate::model::state::State;

/// A publish whose every frame arrived.
#[derive(Clone, Copy, Debug)]
pub struct OnPublish;
/// A delivery to a consumer.
#[derive(Clone, Copy, Debug)]
pub struct OnDelivery;
/// An ack, nack or reject that arrived.
#[derive(Clone, Copy, Debug)]
pub struct OnAck;
/// Any other method that arrived, those of the handshake included.
#[derive(Clone, Copy, Debug)]
pub struct OnMethod;
/// A client that connected and said nothing yet.
#[derive(Clone, Copy, Debug)]
pub struct OnConnection;

/// A point in the broker's work at which a fault can strike.
pub trait At: sealed::Sealed {}

mod sealed {
    use super::Point;

    /// Which point a type stands for.
    pub trait Sealed {
        /// The point.
        #[doc(hidden)]
        fn point() -> PointOf;
    }

    /// Hides the crate's own type from the trait's signature.
    #[derive(Debug)]
    pub struct PointOf(pub(super) Point);
}

macro_rules! at {
    ($($name:ident => $point:ident),*) => {$(
        impl sealed::Sealed for $name {
            fn point() -> sealed::PointOf {
                sealed::PointOf(Point::$point)
            }
        }
        impl At for $name {}
    )*};
}

at!(OnPublish => Publish, OnDelivery => Delivery, OnAck => Ack, OnMethod => Method, OnConnection => Connection);

/// A fault being described: first when it strikes, then, as the last word, what it does.
///
/// Without more words it strikes once, at the first occasion. The first fault made wins where two strike at once.
///
/// # Examples
///
/// ```
/// # async fn example(broker: &rmq_embedded::EmbeddedBroker) {
/// broker.on_publish().to_queue("orders").nth(3).cut_after_storing();
/// broker.on_method("queue.declare").every_time().stay_silent();
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a fault is only set once it says what it does"]
pub struct Script<P> {
    state: Arc<Mutex<State>>,
    rule: Rule,
    point: PhantomData<P>,
}

impl<P: At> Script<P> {
    pub(crate) fn new(state: Arc<Mutex<State>>) -> Self {
        let rule = Rule {
            id: 0,
            point: P::point().0,
            connection_name: None,
            channel: None,
            method: None,
            exchange: None,
            routing_key: None,
            queue: None,
            from: 1,
            times: 1,
            seen: 0,
            fired: 0,
            action: Action::Cut,
        };
        Self {
            state,
            rule,
            point: PhantomData,
        }
    }

    /// Strikes at the `n`th occasion from now, counted from 1 among those the other words let through.
    pub fn nth(mut self, n: u64) -> Self {
        self.rule.from = n;
        self
    }

    /// Strikes this often, from the first occasion or the one given by [`Self::nth`] on.
    pub fn times(mut self, times: u64) -> Self {
        self.rule.times = times;
        self
    }

    /// Strikes at every occasion until it is removed.
    pub fn every_time(self) -> Self {
        self.times(u64::MAX)
    }

    /// Only on channels with this number.
    pub fn on_channel(mut self, channel: u16) -> Self {
        self.rule.channel = Some(channel);
        self
    }

    /// Only on connections whose client gave this `connection_name`.
    pub fn on_connection_named(mut self, name: impl Into<String>) -> Self {
        self.rule.connection_name = Some(name.into());
        self
    }

    /// Cuts the link instead: the client hears what was said before, then the end.
    pub fn cut(self) -> Fault {
        self.does(Action::Cut)
    }

    /// Drops the link instead, with what waits to be written; over TCP the client sees a reset.
    pub fn reset(self) -> Fault {
        self.does(Action::Reset)
    }

    /// Closes the connection with this code and text instead.
    pub fn close_connection(self, code: u16, text: impl Into<String>) -> Fault {
        self.does(Action::CloseConnection {
            code,
            text: Arc::from(text.into()),
        })
    }

    /// From here on the broker neither reads from this client nor writes to it, heartbeats included; the link stays up.
    pub fn stay_silent(self) -> Fault {
        self.does(Action::StaySilent)
    }

    /// From here on nothing is read from this client until [`crate::EmbeddedBroker::read_again`]; writing goes on. What
    /// it strikes on is still carried out.
    pub fn stop_reading(self) -> Fault {
        self.does(Action::StopReading)
    }

    /// Raises the memory alarm, as [`crate::EmbeddedBroker::block`] does. What it strikes on is still carried out.
    pub fn block(self) -> Fault {
        self.does(Action::Block)
    }

    /// Kills the broker instead, as [`crate::EmbeddedBroker::kill`] does.
    pub fn kill(self) -> Fault {
        self.does(Action::Kill)
    }

    /// Kills the broker instead and has it back at once on the same port: durable queues and persistent messages are kept.
    pub fn restart(self) -> Fault {
        self.does(Action::Restart)
    }

    fn does(mut self, action: Action) -> Fault {
        self.rule.action = action;
        let id = self.state.lock().rules.add(self.rule);
        Fault {
            state: self.state,
            id,
        }
    }
}

impl Script<OnPublish> {
    /// Only publishes to this exchange; the default one has the empty name.
    pub fn to_exchange(mut self, exchange: impl Into<String>) -> Self {
        self.rule.exchange = Some(exchange.into());
        self
    }

    /// Only publishes with this routing key.
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.rule.routing_key = Some(key.into());
        self
    }

    /// Only publishes that this queue takes.
    pub fn to_queue(mut self, queue: impl Into<String>) -> Self {
        self.rule.queue = Some(queue.into());
        self
    }

    /// Cuts the link before the message is stored: it is lost, and no confirm comes.
    pub fn cut_before_storing(self) -> Fault {
        self.cut()
    }

    /// Cuts the link after the message is stored and before its confirm.
    pub fn cut_after_storing(self) -> Fault {
        self.does(Action::Publish(AtPublish::CutAfterStoring))
    }

    /// Cuts the link between the return of an unroutable message and its confirm.
    pub fn cut_after_return(self) -> Fault {
        self.does(Action::Publish(AtPublish::CutAfterReturn))
    }

    /// Stores the message, then cuts the link in the middle of its confirm's frame.
    pub fn cut_in_confirm(self) -> Fault {
        self.does(Action::Publish(AtPublish::CutInConfirm))
    }

    /// Stores the message and never confirms it.
    pub fn withhold_confirm(self) -> Fault {
        self.does(Action::Publish(AtPublish::Withhold))
    }

    /// Stores the message; its confirm waits for [`crate::EmbeddedBroker::release_confirms`].
    pub fn hold_confirm(self) -> Fault {
        self.does(Action::Publish(AtPublish::Hold))
    }

    /// Confirms that much later.
    pub fn delay_confirm(self, delay: Duration) -> Fault {
        self.does(Action::Publish(AtPublish::Delay(delay)))
    }

    /// Confirms the next `count` publishes with one cumulative ack, once all have come. Returns go out at once.
    pub fn gather_confirms(self, count: usize) -> Fault {
        let times = count as u64;
        self.times(times)
            .does(Action::Publish(AtPublish::Gather(count)))
    }

    /// Confirms the next `count` publishes one by one in reverse order, once all have come. Returns go out at once.
    pub fn reverse_confirms(self, count: usize) -> Fault {
        let times = count as u64;
        self.times(times)
            .does(Action::Publish(AtPublish::Reverse(count)))
    }

    /// Refuses the message with a nack; it is not stored.
    pub fn nack(self) -> Fault {
        self.does(Action::Publish(AtPublish::Nack { stored: false }))
    }

    /// Stores the message and nacks it all the same.
    pub fn nack_after_storing(self) -> Fault {
        self.does(Action::Publish(AtPublish::Nack { stored: true }))
    }

    /// Returns the message as unroutable, then acks it; it is not stored.
    pub fn return_it(self) -> Fault {
        self.does(Action::Publish(AtPublish::Return { ack: true }))
    }

    /// Returns the message as unroutable and never confirms it; it is not stored.
    pub fn return_without_ack(self) -> Fault {
        self.does(Action::Publish(AtPublish::Return { ack: false }))
    }

    /// Closes the channel with this code and text instead of storing the message.
    pub fn close_channel(self, code: u16, text: impl Into<String>) -> Fault {
        self.does(Action::CloseChannel {
            code,
            text: Arc::from(text.into()),
        })
    }
}

impl Script<OnDelivery> {
    /// Only deliveries from this queue.
    pub fn from_queue(mut self, queue: impl Into<String>) -> Self {
        self.rule.queue = Some(queue.into());
        self
    }

    /// Delivers the message twice, under two tags, neither marked as redelivered more than the other.
    pub fn duplicate(self) -> Fault {
        self.does(Action::Duplicate { redelivered: false })
    }

    /// Delivers the message, then again under a second tag, marked as redelivered.
    pub fn redeliver(self) -> Fault {
        self.does(Action::Duplicate { redelivered: true })
    }

    /// Counts the message as delivered, but writes nothing: it comes again when the channel ends.
    pub fn withhold(self) -> Fault {
        self.does(Action::Withhold)
    }

    /// Writes half of the delivery's first frame, then cuts the link.
    pub fn cut_in_frame(self) -> Fault {
        self.does(Action::CutInFrame)
    }

    /// Delivers the message, then cuts the link.
    pub fn cut_after(self) -> Fault {
        self.does(Action::CutAfter)
    }

    /// Delivers the message, then closes its channel with this code and text.
    pub fn close_channel(self, code: u16, text: impl Into<String>) -> Fault {
        self.does(Action::CloseChannel {
            code,
            text: Arc::from(text.into()),
        })
    }

    /// Delivers the message, then cancels its consumer as if the queue had been deleted.
    pub fn cancel_consumer(self) -> Fault {
        self.does(Action::CancelConsumer)
    }
}

impl Script<OnAck> {
    /// Ignores it: what it settles stays unsettled until the channel ends.
    pub fn ignore(self) -> Fault {
        self.does(Action::Withhold)
    }

    /// Carries it out, then cuts the link.
    pub fn cut_after(self) -> Fault {
        self.does(Action::CutAfter)
    }

    /// Closes the channel with this code and text instead of carrying it out.
    pub fn close_channel(self, code: u16, text: impl Into<String>) -> Fault {
        self.does(Action::CloseChannel {
            code,
            text: Arc::from(text.into()),
        })
    }
}

impl Script<OnMethod> {
    pub(crate) fn named(mut self, method: &str) -> Self {
        self.rule.method = Some(method.to_owned());
        self
    }

    /// Carries it out and writes no answer.
    pub fn withhold_answer(self) -> Fault {
        self.does(Action::Withhold)
    }

    /// Carries it out, and cuts the link before the answer.
    pub fn cut_before_answer(self) -> Fault {
        self.does(Action::CutAfter)
    }

    /// Writes half of the answer's frame, then cuts the link.
    pub fn cut_in_answer(self) -> Fault {
        self.does(Action::CutInFrame)
    }

    /// Closes the channel with this code and text instead of carrying it out.
    pub fn close_channel(self, code: u16, text: impl Into<String>) -> Fault {
        self.does(Action::CloseChannel {
            code,
            text: Arc::from(text.into()),
        })
    }
}

/// A fault that was set. Dropping this handle leaves the fault in force.
#[derive(Clone, Debug)]
pub struct Fault {
    state: Arc<Mutex<State>>,
    id: u64,
}

impl Fault {
    /// How often it struck. 0 once it was removed.
    pub fn fired(&self) -> u64 {
        self.state.lock().rules.fired(self.id)
    }

    /// Takes it back.
    pub fn remove(&self) {
        self.state.lock().rules.remove(self.id);
    }
}
