//! Settings that can lose a message. They are allowed, and the start report shows them.

use super::origin::Origin;
use super::typed::{AcknowledgeMode, DeadLetterSource, ListenerSettings, RabbitProperties};

/// A setting by which a message, or the knowledge of its fate, can be lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsafeSetting {
    /// The path of the property.
    pub path: &'static str,
    /// Where it was said.
    pub origin: Origin,
    /// What can be lost, one sentence.
    pub sentence: &'static str,
}

impl RabbitProperties {
    /// Every such setting for connections, publishing and the pool. For listeners ask
    /// [`ListenerSettings::unsafe_choices`], when all layers are known.
    #[must_use]
    pub fn unsafe_choices(&self) -> Vec<UnsafeSetting> {
        let ssl = &self.connection.ssl;
        let rules = [
            (
                !self.publisher.returns,
                "publisher-returns",
                "nobody learns of a message that no queue took",
            ),
            (
                self.publisher.returns && !self.template.mandatory,
                "template.mandatory",
                "nobody learns of a message that no queue took",
            ),
            (
                !ssl.validate_server_certificate,
                "ssl.validate-server-certificate",
                "any server is trusted",
            ),
            (
                !ssl.verify_hostname,
                "ssl.verify-hostname",
                "a certificate for another host is taken",
            ),
            (
                !self.executor.await_termination,
                "listener.simple.executor.await-termination",
                "a stop does not wait for running handlers: their messages come again",
            ),
            (
                !self.connection.declare_topology,
                "dynamic",
                "the topology is not declared again after a reconnect",
            ),
        ];
        let found = rules.into_iter().filter(|(applies, _, _)| *applies);
        found
            .map(|(_, path, sentence)| UnsafeSetting {
                path,
                origin: self.origins.of(path),
                sentence,
            })
            .collect()
    }
}

impl ListenerSettings {
    /// Every such setting of this listener.
    #[must_use]
    pub fn unsafe_choices(&self) -> Vec<UnsafeSetting> {
        let rules = [
            (
                self.acknowledge_mode.value == AcknowledgeMode::None,
                "acknowledge-mode",
                &self.acknowledge_mode.origin,
                "the broker forgets a message as it sends it: one that is not handled is lost",
            ),
            (
                self.dead_letter.value == DeadLetterSource::None,
                "dead-letter",
                &self.dead_letter.origin,
                "rejected messages are deleted",
            ),
            (
                self.requeue_rejected.value,
                "default-requeue-rejected",
                &self.requeue_rejected.origin,
                "a message that always fails comes again until the queue's delivery limit",
            ),
        ];
        let found = rules.into_iter().filter(|(applies, ..)| *applies);
        found
            .map(|(_, path, origin, sentence)| UnsafeSetting {
                path,
                origin: origin.clone(),
                sentence,
            })
            .collect()
    }
}
