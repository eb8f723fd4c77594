//! RabbitMQ made declarative: every message has a known fate.
