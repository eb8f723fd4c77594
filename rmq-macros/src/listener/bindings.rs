use darling::FromMeta;
use darling::ast::NestedMeta;
use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::{Expr, Meta};

use crate::attribute::{Given, Keyed, Name, Nested, Text, Value, parse, text_in};

/// `bindings(queue = .., exchange = ..)`, or several as `bindings(binding(..), binding(..))`.
pub(super) struct Bindings {
    pub(super) all: Vec<Binding>,
    pub(super) span: Span,
}

/// What stands between the brackets of one binding.
#[derive(FromMeta)]
pub(super) struct Binding {
    pub(super) queue: Option<Given<Name>>,
    pub(super) queue_type: Option<Given<QueueKind>>,
    pub(super) exchange: Option<Given<Name>>,
    pub(super) exchange_type: Option<Given<ExchangeKind>>,
    pub(super) routing_key: Option<Given<Text>>,
    pub(super) routing_keys: Option<Given<Keys>>,
}

impl Keyed for Binding {
    const OF: &'static str = "a binding";
    const KEYS: &'static [&'static str] = &[
        "queue",
        "queue_type",
        "exchange",
        "exchange_type",
        "routing_key",
        "routing_keys",
    ];
    const EXAMPLE: &'static str = "`bindings(queue = \"orders.created\", exchange = \"orders\", routing_key = \"order.created\")`";
}

impl FromMeta for Bindings {
    fn from_meta(item: &Meta) -> darling::Result<Self> {
        let Meta::List(list) = item else {
            let message = format!("write {}", Binding::EXAMPLE);
            return Err(darling::Error::custom(message).with_span(item));
        };
        let is_binding = |meta: &NestedMeta| matches!(meta, NestedMeta::Meta(Meta::List(list)) if list.path.is_ident("binding"));
        let metas = NestedMeta::parse_meta_list(list.tokens.clone());
        let metas = metas.map_err(darling::Error::from)?;
        let all = if metas.is_empty() {
            let message = format!("an empty list: write {}", Binding::EXAMPLE);
            return Err(darling::Error::custom(message).with_span(item));
        } else if metas.iter().any(is_binding) {
            metas.iter().map(one_of_several).collect::<Result<_, _>>()?
        } else {
            let binding = parse(list.tokens.clone()).and_then(complete);
            vec![binding.map_err(darling::Error::from)?]
        };
        Ok(Self {
            all,
            span: list.path.span(),
        })
    }
}

fn one_of_several(meta: &NestedMeta) -> darling::Result<Binding> {
    match meta {
        NestedMeta::Meta(meta @ Meta::List(list)) if list.path.is_ident("binding") => {
            let Nested(binding) = Nested::from_meta(meta)?;
            complete_at(binding, list.path.span()).map_err(darling::Error::from)
        }
        other => {
            let message =
                "beside `binding(..)` stand only more of them: put this into one of the brackets";
            Err(darling::Error::custom(message).with_span(other))
        }
    }
}

fn complete(binding: Binding) -> syn::Result<Binding> {
    let span = binding
        .queue
        .as_ref()
        .map(|queue| queue.span)
        .or(binding.exchange.as_ref().map(|exchange| exchange.span))
        .unwrap_or_else(Span::call_site);
    complete_at(binding, span)
}

/// What every binding has.
fn complete_at(binding: Binding, span: Span) -> syn::Result<Binding> {
    let error = |span, message| Err(syn::Error::new(span, message));
    if binding.queue.is_none() {
        return error(
            span,
            "which queue is bound? Add `queue = \"..\"` to the binding",
        );
    }
    if binding.exchange.is_none() {
        return error(
            span,
            "bound to which exchange? Add `exchange = \"..\"` to the binding",
        );
    }
    if let (Some(_), Some(keys)) = (&binding.routing_key, &binding.routing_keys) {
        return error(
            keys.span,
            "`routing_key` and `routing_keys` at once: put all keys into `routing_keys`",
        );
    }
    let needs_key = !matches!(
        binding.exchange_type.as_ref().map(|kind| kind.value.0),
        Some("fanout" | "headers")
    );
    if needs_key && binding.routing_key.is_none() && binding.routing_keys.is_none() {
        return error(
            span,
            "with which routing key? Add `routing_key = \"..\"` to the binding, or `exchange_type = \"fanout\"`",
        );
    }
    Ok(binding)
}

/// `queue_type`
#[derive(Debug, Clone, Copy)]
pub(super) struct QueueKind(pub(super) &'static str);

impl Value for QueueKind {
    const EXAMPLE: &'static str = "\"quorum\"";

    fn read(expr: &Expr) -> syn::Result<Self> {
        let kinds = ["quorum", "classic", "stream"].map(|kind| (kind, kind));
        text_in(expr, "queue type", &kinds).map(Self)
    }
}

/// `exchange_type`
#[derive(Debug, Clone, Copy)]
pub(super) struct ExchangeKind(pub(super) &'static str);

impl Value for ExchangeKind {
    const EXAMPLE: &'static str = "\"topic\"";

    fn read(expr: &Expr) -> syn::Result<Self> {
        let kinds = ["direct", "topic", "fanout", "headers"].map(|kind| (kind, kind));
        text_in(expr, "exchange type", &kinds).map(Self)
    }
}

/// `routing_keys`
#[derive(Debug, Clone)]
pub(super) struct Keys(pub(super) Vec<String>);

impl Value for Keys {
    const EXAMPLE: &'static str = "[\"order.created\", \"order.paid\"]";

    fn read(expr: &Expr) -> syn::Result<Self> {
        let Expr::Array(array) = expr else {
            let message = format!("several keys are wanted here, like {}", Self::EXAMPLE);
            return Err(syn::Error::new(expr.span(), message));
        };
        if array.elems.is_empty() {
            return Err(syn::Error::new(
                expr.span(),
                "an empty list: name at least one key",
            ));
        }
        let keys = array.elems.iter().map(|key| Ok(Text::read(key)?.0));
        keys.collect::<syn::Result<_>>().map(Self)
    }
}
