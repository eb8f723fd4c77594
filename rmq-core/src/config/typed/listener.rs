//! Listeners, and who decides about them: built-in default, section, attribute, `listeners.<id>`.

use std::time::Duration;

use super::super::origin::Setting;
use super::super::reader::Reader;
use super::listener_values::{AcknowledgeMode, Concurrency, DeadLetterSource, OnFailure};
use super::retry::RetryProperties;
use crate::error::{Fault, Faults, Place};

/// One list of the values of a listener gives: the layer with all values optional, the settings
/// with all values present, and the way from layers to settings.
macro_rules! listener_values {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        /// What one layer says about a listener: an attribute, or `listeners.<id>` of the file.
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct ListenerProperties {
            $($(#[$doc])* pub $name: Option<Setting<$type>>,)*
        }

        /// Everything about one listener, or the section default of all (`listener.simple`); each
        /// value with the place that decided it.
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct ListenerSettings {
            $($(#[$doc])* pub $name: Setting<$type>,)*
        }

        impl ListenerSettings {
            /// These settings with what a stronger layer says in their place.
            #[must_use]
            pub fn under(&self, layer: &ListenerProperties) -> Self {
                Self { $($name: layer.$name.clone().unwrap_or_else(|| self.$name.clone()),)* }
            }
        }
    };
}

listener_values! {
    /// `queue`, `queues`: what it consumes. A section has none.
    queues: Vec<String>,
    /// `concurrency`, consumers. Default: 1.
    concurrency: Concurrency,
    /// `prefetch`, unacknowledged messages per consumer. Default: 250.
    prefetch: u16,
    /// `acknowledge-mode`. Default: auto.
    acknowledge_mode: AcknowledgeMode,
    /// `auto-startup`. Default: true.
    auto_startup: bool,
    /// `default-requeue-rejected`. Default: false.
    requeue_rejected: bool,
    /// `retry.enabled`. Default: true.
    retry_enabled: bool,
    /// `retry.max-retries`, attempts after the first. Default: 2.
    max_retries: u32,
    /// `retry.initial-interval`. Default: 1 s.
    retry_initial_interval: Duration,
    /// `retry.multiplier`. Default: 2.
    retry_multiplier: f64,
    /// `retry.max-interval`. Default: 10 s.
    retry_max_interval: Duration,
    /// `on-failure`. Default: reject.
    on_failure: OnFailure,
    /// `dead-letter`. Default: what the declared topology knows.
    dead_letter: DeadLetterSource,
    /// `exclusive`. Default: false.
    exclusive: bool,
    /// `priority` of its consumers. Default: 0.
    priority: i32,
    /// `recovery-interval`. Default: 5 s.
    recovery_interval: Duration,
    /// `consumer-timeout`, the broker's: how long it lets a delivery stay unsettled. Default: 30 min.
    consumer_timeout: Duration,
    /// `consecutive-active-trigger`, cycles. Default: 10.
    active_trigger: u32,
    /// `consecutive-idle-trigger`, cycles. Default: 10.
    idle_trigger: u32,
    /// `start-consumer-min-interval`. Default: 10 s.
    start_consumer_min_interval: Duration,
    /// `stop-consumer-min-interval`. Default: 60 s.
    stop_consumer_min_interval: Duration,
    /// `receive-timeout`, the length of a scaling cycle. Default: 1 s.
    receive_timeout: Duration,
}

impl ListenerSettings {
    /// The settings of one listener. `section` holds the built-in defaults already; the attribute
    /// beats it, and `listeners.<id>` beats the attribute.
    #[must_use]
    pub fn resolve(
        section: &Self,
        attribute: &ListenerProperties,
        by_id: Option<&ListenerProperties>,
    ) -> Self {
        let attributed = section.under(attribute);
        by_id
            .map(|by_id| attributed.under(by_id))
            .unwrap_or(attributed)
    }

    /// Retries of a failed message.
    #[must_use]
    pub fn retry(&self) -> RetryProperties {
        RetryProperties {
            enabled: self.retry_enabled.value,
            max_retries: self.max_retries.value,
            initial_interval: self.retry_initial_interval.value,
            multiplier: self.retry_multiplier.value,
            max_interval: self.retry_max_interval.value,
        }
    }

    /// What contradicts itself once all layers are put together. `here` is the place for a
    /// contradiction between values that nobody said.
    pub fn check(&self, id: &str, here: &Place, faults: &mut Faults) {
        let mut say = |origins: [&super::super::origin::Origin; 2], what: &str, fix: &str| {
            let place = origins
                .iter()
                .find_map(|origin| origin.place())
                .unwrap_or(here)
                .clone();
            faults.push(Fault::new(place, format!("listener `{id}` {what}")).fix(fix));
        };
        if self.exclusive.value && self.concurrency.max > 1 {
            let origins = [&self.exclusive.origin, &self.concurrency.origin];
            say(
                origins,
                "is exclusive and has more than one consumer",
                "give it concurrency 1",
            );
        }
        if self.retry_initial_interval.value > self.retry_max_interval.value {
            let origins = [
                &self.retry_initial_interval.origin,
                &self.retry_max_interval.origin,
            ];
            say(
                origins,
                "has a first retry wait longer than the longest",
                "keep `retry.initial-interval` below `retry.max-interval`",
            );
        }
        if self.requeue_rejected.value && self.on_failure.value != OnFailure::Reject {
            let origins = [&self.on_failure.origin, &self.requeue_rejected.origin];
            say(
                origins,
                "parks what fails and also requeues it",
                "keep one of `on-failure` and `default-requeue-rejected`",
            );
        }
        if self.acknowledge_mode.value == AcknowledgeMode::None
            && self.on_failure.value != OnFailure::Reject
        {
            let origins = [&self.on_failure.origin, &self.acknowledge_mode.origin];
            say(
                origins,
                "parks what fails in mode `none`, where the broker has forgotten it",
                "use `acknowledge-mode: auto`",
            );
        }
    }
}

/// Reads `listener.simple`. Values without a default in the table have none in a section.
pub(super) fn read_section(reader: &mut Reader<'_>) -> ListenerSettings {
    let layer = read_shared(reader);
    let max: Option<Setting<u32>> = reader.whole("max-concurrency");
    let mut section = ListenerSettings::default().under(&layer);
    if let Some(max) = max {
        let range = section.concurrency.value;
        if range.min != range.max {
            reader.fault(
                "max-concurrency",
                "is given together with a range as `concurrency`",
                "keep one of the two",
            );
        } else if max.value < range.min {
            reader.fault(
                "max-concurrency",
                "is below `concurrency`",
                "raise it, or leave it out",
            );
        } else {
            section.concurrency = Setting {
                value: Concurrency {
                    min: range.min,
                    max: max.value,
                },
                origin: max.origin,
            };
        }
    }
    section
}

/// Reads `listeners.<id>`.
pub(super) fn read_by_id(reader: &mut Reader<'_>) -> ListenerProperties {
    let mut layer = read_shared(reader);
    let queue = reader.word("queue");
    let queues = reader.words("queues");
    if queue.is_some() && queues.is_some() {
        reader.fault(
            "queues",
            "is given together with `queue`",
            "keep one of the two",
        );
    }
    let single = queue.map(|queue| Setting {
        value: vec![queue.value],
        origin: queue.origin,
    });
    layer.queues = single.or(queues);
    layer.exclusive = reader.flag("exclusive");
    layer.priority = reader.signed("priority");
    layer
}

fn read_shared(reader: &mut Reader<'_>) -> ListenerProperties {
    ListenerProperties {
        queues: None,
        exclusive: None,
        priority: None,
        concurrency: reader.read("concurrency", |text, _| Concurrency::parse(text)),
        prefetch: reader.whole("prefetch"),
        acknowledge_mode: reader.choice("acknowledge-mode", &AcknowledgeMode::NAMES),
        auto_startup: reader.flag("auto-startup"),
        requeue_rejected: reader.flag("default-requeue-rejected"),
        retry_enabled: reader.flag("retry.enabled"),
        max_retries: reader.whole("retry.max-retries"),
        retry_initial_interval: reader.duration("retry.initial-interval"),
        retry_multiplier: reader.decimal("retry.multiplier"),
        retry_max_interval: reader.duration("retry.max-interval"),
        on_failure: reader.read("on-failure", |text, _| OnFailure::parse(text)),
        dead_letter: reader.choice("dead-letter", &DeadLetterSource::NAMES),
        recovery_interval: reader.duration("recovery-interval"),
        consumer_timeout: reader.duration("consumer-timeout"),
        active_trigger: reader.whole("consecutive-active-trigger"),
        idle_trigger: reader.whole("consecutive-idle-trigger"),
        start_consumer_min_interval: reader.duration("start-consumer-min-interval"),
        stop_consumer_min_interval: reader.duration("stop-consumer-min-interval"),
        receive_timeout: reader.duration("receive-timeout"),
    }
}
