use std::fmt;
use std::future::Future;
use std::sync::OnceLock;

use bytestring::ByteString;

use crate::message::Headers;

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
/// Longest `tracestate` passed on, in bytes (W3C Trace Context section 3.3.1.5 asks for at least 512).
const TRACESTATE_LIMIT: usize = 512;

/// A place in a distributed trace, in the form of W3C Trace Context (`traceparent`, `tracestate`).
///
/// A listener sets the context it finds in a message's headers as the current one while the handler runs; a
/// publish writes a child of the current one into the headers of what it sends. A program that has its own tracing
/// gives the current context with [`set_trace_context_source`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    flags: u8,
    state: Option<ByteString>,
}

/// Gives the trace context of the caller, for programs whose tracing is not this crate's: an OpenTelemetry bridge.
pub trait TraceContextSource: Send + Sync + 'static {
    /// The context of the code that runs now; `None` if there is none.
    fn current(&self) -> Option<TraceContext>;
}

static SOURCE: OnceLock<Box<dyn TraceContextSource>> = OnceLock::new();

tokio::task_local! {
    static CURRENT: TraceContext;
}

/// Sets where the current trace context comes from, once for the whole program. False if it was set before.
pub fn set_trace_context_source(source: impl TraceContextSource) -> bool {
    SOURCE.set(Box::new(source)).is_ok()
}

/// Runs a future with this context as the current one.
pub async fn with_trace_context<F: Future>(context: TraceContext, future: F) -> F::Output {
    CURRENT.scope(context, future).await
}

/// Runs a closure with this context as the current one.
pub fn with_trace_context_sync<R>(context: TraceContext, run: impl FnOnce() -> R) -> R {
    CURRENT.sync_scope(context, run)
}

impl TraceContext {
    /// The context of the code that runs now: the source's, else the one a listener set; `None` if there is none.
    #[must_use]
    pub fn current() -> Option<Self> {
        SOURCE
            .get()
            .and_then(|source| source.current())
            .or_else(|| CURRENT.try_with(Clone::clone).ok())
    }

    /// A new trace, sampled.
    #[must_use]
    pub fn root() -> Self {
        Self {
            trace_id: fastrand::u128(1..),
            span_id: fastrand::u64(1..),
            flags: 1,
            state: None,
        }
    }

    /// A new span in the same trace.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            span_id: fastrand::u64(1..),
            ..self.clone()
        }
    }

    /// A context of these parts; `None` if an id is zero, which W3C Trace Context forbids.
    #[must_use]
    pub fn from_parts(
        trace_id: u128,
        span_id: u64,
        flags: u8,
        state: Option<ByteString>,
    ) -> Option<Self> {
        (trace_id != 0 && span_id != 0).then_some(Self {
            trace_id,
            span_id,
            flags,
            state,
        })
    }

    /// The trace's id.
    #[must_use]
    pub const fn trace_id(&self) -> u128 {
        self.trace_id
    }

    /// The span's id.
    #[must_use]
    pub const fn span_id(&self) -> u64 {
        self.span_id
    }

    /// Whether the caller recorded the trace.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }

    /// What other tracing systems left, untouched.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// Reads the context out of a message's headers; `None` if there is none or it is malformed.
    #[must_use]
    pub fn extract(headers: &Headers) -> Option<Self> {
        let parent = headers.get(TRACEPARENT)?.as_str()?;
        let mut context = Self::parse(parent)?;
        context.state = headers
            .get(TRACESTATE)
            .and_then(|state| state.as_str())
            .filter(|state| !state.is_empty() && state.len() <= TRACESTATE_LIMIT)
            .map(ByteString::from);
        Some(context)
    }

    /// Writes the context into a message's headers, in place of an earlier one.
    pub fn inject(&self, headers: &mut Headers) {
        headers.insert(TRACEPARENT, self.to_string());
        match &self.state {
            Some(state) => headers.insert(TRACESTATE, state.clone()),
            None => drop(headers.remove(TRACESTATE)),
        }
    }

    /// Reads a `traceparent` (W3C Trace Context section 3.2): `00-<32 hex>-<16 hex>-<2 hex>`. Later versions may
    /// have more fields behind these.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('-');
        let version = hex(fields.next()?, 2)?;
        let trace_id = hex(fields.next()?, 32)?;
        let span_id = u64::try_from(hex(fields.next()?, 16)?).ok()?;
        let flags = u8::try_from(hex(fields.next()?, 2)?).ok()?;
        let extra = fields.next().is_some();
        if version == 0xff || (version == 0 && extra) {
            return None;
        }
        Self::from_parts(trace_id, span_id, flags, None)
    }
}

/// A number of exactly so many lower-case hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != digits || !text.bytes().all(lower) {
        return None;
    }
    u128::from_str_radix(text, 16).ok()
}

impl fmt::Display for TraceContext {
    /// The `traceparent`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace_id, self.span_id, self.flags
        )
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceContext({self})")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_is_injected_is_extracted() {
        let mut headers = Headers::new();
        headers.insert(TRACEPARENT, EXAMPLE);
        headers.insert(TRACESTATE, "congo=t61rcWkgMzE");
        let context = TraceContext::extract(&headers).unwrap();
        assert_eq!(context.to_string(), EXAMPLE);
        assert_eq!(context.state(), Some("congo=t61rcWkgMzE"));
        assert!(context.is_sampled());

        let mut onwards = Headers::new();
        context.child().inject(&mut onwards);
        let next = TraceContext::extract(&onwards).unwrap();
        assert_eq!(next.trace_id(), context.trace_id());
        assert_ne!(next.span_id(), context.span_id());
        assert_eq!(next.state(), context.state());
    }

    #[test]
    fn a_root_reads_back_as_itself() {
        let root = TraceContext::root();
        assert_eq!(TraceContext::parse(&root.to_string()), Some(root));
    }

    #[test]
    fn a_malformed_parent_is_no_context() {
        for bad in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad}");
        }
        let later = "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more";
        assert!(TraceContext::parse(later).is_some());
    }

    #[tokio::test]
    async fn the_current_context_is_the_tasks_own() {
        let root = TraceContext::root();
        let seen = with_trace_context(root.clone(), async { TraceContext::current() }).await;
        assert_eq!(seen, Some(root));
        assert_eq!(TraceContext::current(), None);
    }
}
