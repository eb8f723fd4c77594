use tracing::{Level, Span, field::Empty};

/// The name of a destination: `exchange:routing key`, the one of them that is not empty, or `amq.default`
/// (OpenTelemetry semantic conventions for RabbitMQ).
#[must_use]
pub fn destination_name(exchange: &str, routing_key: &str) -> String {
    match (exchange, routing_key) {
        ("", "") => "amq.default".to_owned(),
        ("", key) => key.to_owned(),
        (exchange, "") => exchange.to_owned(),
        (exchange, key) => format!("{exchange}:{key}"),
    }
}

/// The name of a source: the destination's, with the queue behind it unless it says nothing new.
fn source_name(exchange: &str, routing_key: &str, queue: &str) -> String {
    if exchange.is_empty() && routing_key == queue {
        return queue.to_owned();
    }
    if routing_key == queue {
        return destination_name(exchange, queue);
    }
    format!("{}:{queue}", destination_name(exchange, routing_key))
}

/// The span of one publish, from entering the window to its verdict. At level DEBUG, target `rmq_core::send`;
/// where that is switched off it costs one check.
#[must_use]
pub fn send_span(exchange: &str, routing_key: &str, message_id: &str) -> Span {
    if !tracing::enabled!(target: "rmq_core::send", Level::DEBUG) {
        return Span::none();
    }
    let destination = destination_name(exchange, routing_key);
    tracing::debug_span!(
        target: "rmq_core::send",
        "send",
        otel.name = format!("send {destination}"),
        otel.kind = "producer",
        messaging.system = "rabbitmq",
        messaging.operation.name = "send",
        messaging.operation.type = "send",
        messaging.destination.name = destination,
        messaging.rabbitmq.destination.routing_key = routing_key,
        messaging.message.id = message_id,
        trace_id = Empty,
        span_id = Empty,
        error.type = Empty,
        rmq.outcome = Empty,
        rmq.attempts = Empty,
    )
}

/// The span of one delivery being handled. At level DEBUG, target `rmq_core::process`.
#[must_use]
pub fn process_span(
    exchange: &str,
    routing_key: &str,
    queue: &str,
    message_id: Option<&str>,
    correlation_id: Option<&str>,
    delivery_tag: u64,
) -> Span {
    if !tracing::enabled!(target: "rmq_core::process", Level::DEBUG) {
        return Span::none();
    }
    let destination = source_name(exchange, routing_key, queue);
    tracing::debug_span!(
        target: "rmq_core::process",
        "process",
        otel.name = format!("process {destination}"),
        otel.kind = "consumer",
        messaging.system = "rabbitmq",
        messaging.operation.name = "process",
        messaging.operation.type = "process",
        messaging.destination.name = destination,
        messaging.rabbitmq.destination.routing_key = routing_key,
        messaging.rabbitmq.message.delivery_tag = delivery_tag,
        messaging.message.id = message_id,
        messaging.message.conversation_id = correlation_id,
        trace_id = Empty,
        span_id = Empty,
        parent_span_id = Empty,
        error.type = Empty,
        rmq.outcome = Empty,
    )
}

/// The span of one receive. At level DEBUG, target `rmq_core::receive`.
#[must_use]
pub fn receive_span(queue: &str) -> Span {
    if !tracing::enabled!(target: "rmq_core::receive", Level::DEBUG) {
        return Span::none();
    }
    tracing::debug_span!(
        target: "rmq_core::receive",
        "receive",
        otel.name = format!("receive {queue}"),
        otel.kind = "client",
        messaging.system = "rabbitmq",
        messaging.operation.name = "receive",
        messaging.operation.type = "receive",
        messaging.destination.name = queue,
        messaging.message.id = Empty,
        error.type = Empty,
    )
}

#[cfg(test)]
mod tests;
