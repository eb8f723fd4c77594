//! `#[component]` and `#[declarables]`: methods of a configuration.

mod component;
mod declarables;

pub(crate) use component::descriptor as component;
pub(crate) use declarables::descriptor as declarables;

use proc_macro2::TokenStream;
use syn::spanned::Spanned as _;

use crate::diagnostics::Diagnostics;

/// Neither attribute says anything in brackets.
fn no_keys(attribute: &TokenStream, name: &str, wrong: &mut Diagnostics) {
    if !attribute.is_empty() {
        wrong.at(
            attribute.span(),
            format!("`#[{name}]` has no keys: drop the brackets"),
        );
    }
}
