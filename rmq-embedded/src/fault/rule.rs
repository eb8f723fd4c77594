//! Rules: on which occasion, what happens.

use std::sync::Arc;
use std::time::Duration;

/// Where in the broker's work a fault can strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    Connection,
    Method,
    Publish,
    Delivery,
    Ack,
}

/// What a publish meets, besides what every point can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtPublish {
    CutAfterStoring,
    CutAfterReturn,
    CutInConfirm,
    Withhold,
    Hold,
    Delay(Duration),
    Gather(usize),
    Reverse(usize),
    Nack { stored: bool },
    Return { ack: bool },
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// What was said so far goes out, then the link is gone.
    Cut,
    /// The link is gone at once; a TCP peer sees a reset.
    Reset,
    /// The frame that comes next ends in its middle, and the link with it.
    CutInFrame,
    CutAfter,
    /// The work is done, its answer never comes.
    Withhold,
    CloseChannel {
        code: u16,
        text: Arc<str>,
    },
    CloseConnection {
        code: u16,
        text: Arc<str>,
    },
    StaySilent,
    StopReading,
    Block,
    Kill,
    Restart,
    CancelConsumer,
    Duplicate {
        redelivered: bool,
    },
    Publish(AtPublish),
}

impl Action {
    /// For the record.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Reset => "reset",
            Self::CutInFrame => "cut in frame",
            Self::CutAfter => "cut after",
            Self::Withhold => "withhold",
            Self::CloseChannel { .. } => "close channel",
            Self::CloseConnection { .. } => "close connection",
            Self::StaySilent => "stay silent",
            Self::StopReading => "stop reading",
            Self::Block => "block",
            Self::Kill => "kill",
            Self::Restart => "restart",
            Self::CancelConsumer => "cancel consumer",
            Self::Duplicate { redelivered: false } => "duplicate",
            Self::Duplicate { redelivered: true } => "redeliver",
            Self::Publish(action) => match action {
                AtPublish::CutAfterStoring => "cut after storing",
                AtPublish::CutAfterReturn => "cut after return",
                AtPublish::CutInConfirm => "cut in confirm",
                AtPublish::Withhold => "withhold confirm",
                AtPublish::Hold => "hold confirm",
                AtPublish::Delay(_) => "delay confirm",
                AtPublish::Gather(_) => "gather confirms",
                AtPublish::Reverse(_) => "reverse confirms",
                AtPublish::Nack { stored: false } => "nack",
                AtPublish::Nack { stored: true } => "nack after storing",
                AtPublish::Return { ack: true } => "return",
                AtPublish::Return { ack: false } => "return without ack",
            },
        }
    }
}

/// What happens right now, to be held against the rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occasion<'a> {
    pub(crate) point: Point,
    pub(crate) connection_name: Option<&'a str>,
    pub(crate) channel: u16,
    pub(crate) method: &'a str,
    pub(crate) exchange: &'a str,
    pub(crate) routing_key: &'a str,
    /// The queues that take the publish, or the one the delivery comes from.
    pub(crate) queues: &'a [Arc<str>],
}

impl<'a> Occasion<'a> {
    /// An occasion of which only the point is known.
    pub(crate) fn at(point: Point) -> Self {
        Self {
            point,
            connection_name: None,
            channel: 0,
            method: "",
            exchange: "",
            routing_key: "",
            queues: &[],
        }
    }
}

/// One rule.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) id: u64,
    pub(crate) point: Point,
    pub(crate) connection_name: Option<String>,
    pub(crate) channel: Option<u16>,
    pub(crate) method: Option<String>,
    pub(crate) exchange: Option<String>,
    pub(crate) routing_key: Option<String>,
    pub(crate) queue: Option<String>,
    /// It fires from this occasion on, counted from 1.
    pub(crate) from: u64,
    /// And this often.
    pub(crate) times: u64,
    pub(crate) seen: u64,
    pub(crate) fired: u64,
    pub(crate) action: Action,
}

impl Rule {
    fn applies(&self, occasion: &Occasion<'_>) -> bool {
        let is =
            |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|w| w == found);
        self.point == occasion.point
            && self
                .channel
                .is_none_or(|channel| channel == occasion.channel)
            && is(&self.method, occasion.method)
            && is(&self.exchange, occasion.exchange)
            && is(&self.routing_key, occasion.routing_key)
            && (self.connection_name.is_none()
                || self.connection_name.as_deref() == occasion.connection_name)
            && self
                .queue
                .as_deref()
                .is_none_or(|queue| occasion.queues.iter().any(|found| &**found == queue))
    }
}

/// All rules of a broker, in the order they were made.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    rules: Vec<Rule>,
    last_id: u64,
}

impl Rules {
    /// Whether any rule looks at this point.
    pub(crate) fn watch(&self, point: Point) -> bool {
        self.rules.iter().any(|rule| rule.point == point)
    }

    pub(crate) fn add(&mut self, mut rule: Rule) -> u64 {
        self.last_id += 1;
        rule.id = self.last_id;
        self.rules.push(rule);
        self.last_id
    }

    pub(crate) fn remove(&mut self, id: u64) {
        self.rules.retain(|rule| rule.id != id);
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// How often a rule fired.
    pub(crate) fn fired(&self, id: u64) -> u64 {
        self.rules
            .iter()
            .find(|rule| rule.id == id)
            .map_or(0, |rule| rule.fired)
    }

    /// Counts the occasion in every rule it applies to; the first of them whose turn it is decides.
    pub(crate) fn strike(&mut self, occasion: &Occasion<'_>) -> Option<Action> {
        let mut struck = None;
        for rule in self.rules.iter_mut().filter(|rule| rule.applies(occasion)) {
            rule.seen += 1;
            let turn = rule.seen >= rule.from && rule.fired < rule.times;
            if turn && struck.is_none() {
                rule.fired += 1;
                struck = Some(rule.action.clone());
            }
        }
        struck
    }
}
