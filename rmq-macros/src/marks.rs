//! Our attributes among others, told by their last path segment: an outer macro sees names only.

use quote::ToTokens as _;
use syn::spanned::Spanned as _;
use syn::{Attribute, Meta};

use crate::diagnostics::Diagnostics;

/// One of our attributes on a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Listener,
    OnConfirm,
    OnReturn,
    Component,
    Declarables,
}

const ALL: [Mark; 5] = [
    Mark::Listener,
    Mark::OnConfirm,
    Mark::OnReturn,
    Mark::Component,
    Mark::Declarables,
];

impl Mark {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Listener => "rabbit_listener",
            Self::OnConfirm => "on_confirm",
            Self::OnReturn => "on_return",
            Self::Component => "component",
            Self::Declarables => "declarables",
        }
    }

    /// Which of ours an attribute is.
    fn of(attribute: &Attribute) -> Option<Self> {
        let last = attribute.path().segments.last()?;
        ALL.into_iter().find(|mark| last.ident == mark.name())
    }
}

/// Takes our attributes off a function.
pub(crate) fn take(attributes: &mut Vec<Attribute>) -> Vec<(Mark, Attribute)> {
    let (ours, others) = std::mem::take(attributes)
        .into_iter()
        .map(|attribute| (Mark::of(&attribute), attribute))
        .partition::<Vec<_>, _>(|(mark, _)| mark.is_some());
    *attributes = others.into_iter().map(|(_, attribute)| attribute).collect();
    ours.into_iter()
        .filter_map(|(mark, attribute)| Some((mark?, attribute)))
        .collect()
}

/// Takes off the `cfg_attr`s that hold one of ours, each with its error: an outer macro runs before they are resolved.
pub(crate) fn hidden(attributes: &mut Vec<Attribute>, wrong: &mut Diagnostics) {
    attributes.retain(|attribute| {
        let found = ALL.into_iter().find(|mark| holds(attribute, mark.name()));
        if let Some(mark) = found {
            wrong.on(attribute, format!(
                "`#[rabbit_config]` cannot see into a `cfg_attr`: write `#[{name}(..)]` itself, and `#[cfg(..)]` beside it",
                name = mark.name()
            ));
        }
        found.is_none()
    });
}

/// Whether an attribute is a `cfg_attr` with this word in it.
pub(crate) fn holds(attribute: &Attribute, name: &str) -> bool {
    let Meta::List(list) = &attribute.meta else {
        return false;
    };
    let apart = |c: char| !(c.is_alphanumeric() || c == '_');
    list.path.is_ident("cfg_attr")
        && list
            .tokens
            .to_string()
            .split(apart)
            .any(|word| word == name)
}

/// The `#[cfg]`s of an item, which what is made for it has to carry too.
pub(crate) fn cfgs(attributes: &[Attribute]) -> Vec<Attribute> {
    let is_cfg = |attribute: &&Attribute| attribute.path().is_ident("cfg");
    attributes.iter().filter(is_cfg).cloned().collect()
}

/// What stands in an attribute's brackets.
pub(crate) fn arguments(attribute: &Attribute) -> syn::Result<proc_macro2::TokenStream> {
    match &attribute.meta {
        Meta::Path(_) => Ok(proc_macro2::TokenStream::new()),
        Meta::List(list) => Ok(list.tokens.clone()),
        Meta::NameValue(pair) => Err(syn::Error::new(
            pair.span(),
            format!("write `#[{}(..)]`", pair.path.to_token_stream()),
        )),
    }
}
