//! `#[rabbit_config]` on a struct, and on its `impl` block.

mod block;
mod parse;
mod structure;

use proc_macro2::TokenStream;
use quote::quote;
use syn::Item;

use crate::diagnostics::tell;

/// The attribute on any item.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> TokenStream {
    match syn::parse2(item.clone()) {
        Ok(Item::Struct(structure)) => {
            let expanded = tell(structure::expand(attribute, &structure));
            quote!(#structure #expanded)
        }
        Ok(Item::Impl(block)) => block::expand(&attribute, block),
        Ok(_) => {
            let message = "`#[rabbit_config]` goes on a struct, and on its `impl` block";
            let error = syn::Error::new_spanned(&item, message).into_compile_error();
            quote!(#item #error)
        }
        Err(error) => {
            let error = error.into_compile_error();
            quote!(#item #error)
        }
    }
}
