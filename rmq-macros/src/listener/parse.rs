use darling::FromMeta;
use syn::Expr;
use syn::spanned::Spanned as _;

use super::bindings::Bindings;
use crate::attribute::{
    Count, Flag, Given, Identifier, Interval, Keyed, Name, Names, Nested, Number, Range, TypePath,
    Value, text, text_in,
};

/// What stands between the brackets of `#[rabbit_listener]`.
#[derive(FromMeta)]
pub(super) struct ListenerAttribute {
    pub(super) queue: Option<Given<Name>>,
    pub(super) queues: Option<Given<Names>>,
    pub(super) bindings: Option<Bindings>,
    pub(super) id: Option<Given<Identifier>>,
    pub(super) concurrency: Option<Given<Range>>,
    pub(super) prefetch: Option<Given<Count<65_535>>>,
    pub(super) ack: Option<Given<Acknowledge>>,
    pub(super) retry: Option<Nested<Retry>>,
    pub(super) dead_letter: Option<Given<Name>>,
    pub(super) on_failure: Option<Given<OnFailure>>,
    pub(super) auto_startup: Option<Given<Flag>>,
    pub(super) exclusive: Option<Given<Flag>>,
    pub(super) priority: Option<Given<Number>>,
    pub(super) config: Option<Given<TypePath>>,
}

impl Keyed for ListenerAttribute {
    const OF: &'static str = "`#[rabbit_listener]`";
    const KEYS: &'static [&'static str] = &[
        "queue",
        "queues",
        "bindings",
        "id",
        "concurrency",
        "prefetch",
        "ack",
        "retry",
        "dead_letter",
        "on_failure",
        "auto_startup",
        "exclusive",
        "priority",
        "config",
    ];
    const EXAMPLE: &'static str = "`#[rabbit_listener(queue = \"orders.created\")]`";
}

/// What stands between the brackets of `retry`.
#[derive(FromMeta)]
pub(super) struct Retry {
    pub(super) max_attempts: Option<Given<Count<{ u32::MAX }>>>,
    pub(super) initial_interval: Option<Given<Interval>>,
    pub(super) multiplier: Option<Given<Factor>>,
    pub(super) max_interval: Option<Given<Interval>>,
}

impl Keyed for Retry {
    const OF: &'static str = "`retry`";
    const KEYS: &'static [&'static str] = &[
        "max_attempts",
        "initial_interval",
        "multiplier",
        "max_interval",
    ];
    const EXAMPLE: &'static str = "`retry(max_attempts = 5, initial_interval = \"1s\")`";
}

/// A number from 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Factor(pub(super) f64);

impl Value for Factor {
    const EXAMPLE: &'static str = "2.0";

    fn read(expr: &Expr) -> syn::Result<Self> {
        let number: Option<f64> = match expr {
            Expr::Lit(literal) => match &literal.lit {
                syn::Lit::Float(number) => number.base10_parse().ok(),
                syn::Lit::Int(number) => number.base10_parse().ok(),
                _ => None,
            },
            _ => None,
        };
        match number {
            Some(number) if number >= 1.0 && number.is_finite() => Ok(Self(number)),
            _ => Err(syn::Error::new(
                expr.span(),
                "a number from 1 is wanted here, like 2.0: a wait never gets shorter",
            )),
        }
    }
}

/// `ack`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Acknowledge {
    Auto,
    Manual,
    None,
}

impl Value for Acknowledge {
    const EXAMPLE: &'static str = "\"auto\"";

    fn read(expr: &Expr) -> syn::Result<Self> {
        let modes = [
            ("auto", Self::Auto),
            ("manual", Self::Manual),
            ("none", Self::None),
        ];
        text_in(expr, "acknowledge mode", &modes)
    }
}

/// `on_failure`
#[derive(Debug, Clone)]
pub(super) enum OnFailure {
    Reject,
    Park(String),
}

impl Value for OnFailure {
    const EXAMPLE: &'static str = "\"park:orders.parked\"";

    fn read(expr: &Expr) -> syn::Result<Self> {
        let text = text(expr, Self::EXAMPLE)?;
        let said = text.value();
        match said.split_once(':') {
            None if said == "reject" => Ok(Self::Reject),
            Some(("park", queue)) if !queue.trim().is_empty() && queue.len() <= 255 => {
                Ok(Self::Park(queue.trim().to_owned()))
            }
            Some(("park", _)) | None if said.starts_with("park") => Err(syn::Error::new(
                text.span(),
                "parked where? Name the queue, in at most 255 bytes: \"park:orders.parked\"",
            )),
            _ => Err(syn::Error::new(
                text.span(),
                format!(
                    "a failed message cannot end as \"{said}\": there are \"reject\" (dead-lettered) and \"park:<queue>\""
                ),
            )),
        }
    }
}
