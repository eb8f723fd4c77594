//! W3C trace context, in and out.

use std::sync::Arc;

use rmq_core::handler::{Handler, Invoke};
use rmq_core::message::Message;
use rmq_core::observability::TraceContext;
use rmq_tests::broker::unique;
use rmq_tests::raw::{Content, FieldTable, Properties, table};

use super::rig::{Notes, Rig, done, endpoint, handler, listener, plain, stop};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn traced() -> Content {
    let headers = table::table([
        ("traceparent", table::text(PARENT)),
        ("tracestate", table::text("vendor=1")),
    ]);
    let properties = Properties::default().with_headers(headers);
    Content::with("0", properties).unwrap()
}

/// What a raw client sends with a trace is handled in it, by async and plain handlers, and what the handler publishes is
/// its child.
pub async fn the_trace_of_a_message_is_the_handlers_and_of_what_it_publishes(address: &str) {
    let rig = Rig::new(address).await;
    let out = unique("traced");
    rig.declare_with(&out, FieldTable::default()).await;
    let (template, to) = (rig.template.clone(), out.clone());
    let publishes = handler(move |_| {
        let (template, to) = (template.clone(), to.clone());
        async move {
            template.send("", to, Message::new("child")).await.unwrap();
            done()
        }
    });
    let queue = rig.queue("quorum").await;
    rig.send(&queue, traced()).await;
    let registry = rig
        .start(endpoint(listener("out", &queue), publishes))
        .await;
    rig.until_ready(&out, 1).await;
    let child = rig.channel.take(&out).await.unwrap().unwrap();
    let parent = table::as_text(&child.header("traceparent").unwrap().unwrap());
    assert!(parent.starts_with(&format!("00-{TRACE}-")), "{parent}");
    assert_ne!(parent, PARENT, "a span of its own");
    let state = table::as_text(&child.header("tracestate").unwrap().unwrap());
    assert_eq!(state, "vendor=1");
    stop(&registry).await;

    let notes = Notes::new();
    let note = |notes: &Notes<Option<String>>| {
        let trace = TraceContext::current();
        notes.note(trace.map(|trace| format!("{:032x}", trace.trace_id())));
    };
    let (of_async, of_plain) = (Arc::clone(&notes), Arc::clone(&notes));
    let handlers: [Handler; 2] = [
        Handler {
            arguments: Vec::new(),
            invoke: Invoke::Async(Box::new(move |_| {
                let notes = Arc::clone(&of_async);
                Ok(Box::pin(async move {
                    note(&notes);
                    done()
                }))
            })),
        },
        plain(move |_| {
            note(&of_plain);
            done()
        }),
    ];
    for handler in handlers {
        let queue = rig.queue("classic").await;
        rig.send(&queue, traced()).await;
        rig.send(&queue, Content::new("0")).await;
        let registry = rig.start(endpoint(listener("in", &queue), handler)).await;
        assert_eq!(notes.next().await.as_deref(), Some(TRACE));
        assert_eq!(notes.next().await, None, "the next message has none");
        stop(&registry).await;
    }
}
