//! One of our attributes on a function: which descriptor it makes, and how a free function is expanded.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{ItemFn, Signature};

use crate::callback::{self, CallbackKind};
use crate::diagnostics::tell;
use crate::expand::registered_const;
use crate::marks::{self, Mark, cfgs};
use crate::signature::{Home, constant};
use crate::{listener, method};

/// The descriptor that a mark makes of a function, and the descriptor's type.
pub(crate) fn descriptor(
    mark: Mark,
    attribute: TokenStream,
    signature: &mut Signature,
    home: Home,
) -> syn::Result<(Ident, TokenStream)> {
    let (kind, descriptor) = match mark {
        Mark::Listener => (
            "ListenerDescriptor",
            listener::descriptor(attribute, signature, home),
        ),
        Mark::OnConfirm => (
            "CallbackDescriptor",
            callback::descriptor(CallbackKind::Confirm, attribute, signature, home),
        ),
        Mark::OnReturn => (
            "CallbackDescriptor",
            callback::descriptor(CallbackKind::Return, attribute, signature, home),
        ),
        Mark::Component => (
            "ComponentDescriptor",
            method::component(&attribute, signature),
        ),
        Mark::Declarables => (
            "DeclarablesDescriptor",
            method::declarables(&attribute, signature),
        ),
    };
    Ok((format_ident!("{kind}"), descriptor?))
}

/// A second mark on one function.
pub(crate) fn second(first: Mark, second: Mark, at: &syn::Attribute) -> syn::Error {
    let message = if first == second && first == Mark::Listener {
        "a second `#[rabbit_listener]` on one function: name all queues in one, `queues = [..]`"
            .to_owned()
    } else if first == second {
        format!("a second `#[{}]` on one function: keep one", first.name())
    } else {
        format!(
            "`#[{}]` and `#[{}]` on one function: write one function for each, and let both call a third",
            first.name(),
            second.name()
        )
    };
    syn::Error::new_spanned(at, message)
}

/// An attribute on a free function: the function as it is, and its descriptor.
pub(crate) fn free(mark: Mark, attribute: TokenStream, item: TokenStream) -> TokenStream {
    let mut function: ItemFn = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(_) => {
            let message = format!("`#[{}]` goes on a function with a body", mark.name());
            let error = syn::Error::new_spanned(&item, message).into_compile_error();
            return quote!(#item #error);
        }
    };
    let others = marks::take(&mut function.attrs);
    let made = descriptor(mark, attribute, &mut function.sig, Home::Free);
    let made = match (others.first(), mark) {
        (Some((other, at)), _) => Err(second(mark, *other, at)),
        (None, Mark::Component | Mark::Declarables) => Err(syn::Error::new_spanned(
            &function.sig.ident,
            format!(
                "`#[{name}]` belongs on a method: move it into an `impl` block with `#[rabbit_config]`, and write it there by its own name, `#[{name}]`",
                name = mark.name()
            ),
        )),
        (None, _) => made,
    };
    let constant = constant(&function.sig.ident);
    let expanded = made.map(|(kind, descriptor)| {
        let cfgs = cfgs(&function.attrs);
        registered_const(&cfgs, &function.vis, &constant, &kind, &descriptor)
    });
    let expanded = tell(expanded);
    quote!(#function #expanded)
}
