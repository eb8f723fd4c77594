//! From an exchange to queues: bindings, exchange-to-exchange bindings, alternate exchanges.

use std::sync::Arc;

use super::bindings::Destination;
use super::exception::{Exception, Outcome};
use super::ids::QueueId;
use super::vhost::VHost;
use crate::wire::table::RawTable;

/// Finds the queues a message goes to, each once.
///
/// The default exchange has the empty name. An exchange is visited once, so that a ring of bindings ends.
pub(crate) fn route(
    vhost: &VHost,
    exchange: &str,
    routing_key: &str,
    headers: Option<RawTable<'_>>,
    found: &mut Vec<QueueId>,
) {
    found.clear();
    if exchange.is_empty() {
        found.extend(vhost.queues.get(routing_key));
        return;
    }
    let mut visited: Vec<&str> = Vec::new();
    let mut waiting: Vec<&str> = vec![exchange];
    while let Some(name) = waiting.pop() {
        if visited.contains(&name) {
            continue;
        }
        visited.push(name);
        if name.is_empty() {
            found.extend(vhost.queues.get(routing_key));
            continue;
        }
        let Some(exchange) = vhost.exchanges.get(name) else {
            continue;
        };
        let mut taken = false;
        exchange
            .bindings
            .route(exchange.kind, routing_key, headers, |destination| {
                taken = true;
                match destination {
                    Destination::Queue(queue) => found.push(*queue),
                    Destination::Exchange(next) => waiting.push(next),
                }
            });
        if let (false, Some(alternate)) = (taken, &exchange.alternate) {
            waiting.push(alternate);
        }
    }
    if found.len() > 1 {
        found.sort_unstable();
        found.dedup();
    }
}

/// Refuses a message whose `CC` or `BCC` header is no list.
pub(crate) fn check_extra_keys(headers: Option<RawTable<'_>>) -> Outcome {
    let Some(headers) = headers else {
        return Ok(());
    };
    for name in ["CC", "BCC"] {
        if let Some(value) = headers.get(name).filter(|value| value.kind != b'A') {
            let kind = value.type_name();
            return Err(Exception::precondition_failed(format!(
                "invalid message: {{unacceptable_type_in_header,\"{name}\",{kind}}}"
            )));
        }
    }
    Ok(())
}

/// The routing keys in the `CC` and `BCC` headers.
pub(crate) fn extra_keys(headers: Option<RawTable<'_>>) -> Vec<Arc<str>> {
    let Some(headers) = headers else {
        return Vec::new();
    };
    let lists = ["CC", "BCC"]
        .into_iter()
        .filter_map(|name| headers.get(name)?.as_array());
    lists
        .flatten()
        .filter_map(|item| {
            std::str::from_utf8(item.as_long_string()?)
                .ok()
                .map(Arc::from)
        })
        .collect()
}
