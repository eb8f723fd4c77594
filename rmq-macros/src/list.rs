//! `listeners![..]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Expr, Token};

use crate::diagnostics::Diagnostics;
use crate::signature::constant;

pub(crate) fn expand(input: TokenStream) -> syn::Result<TokenStream> {
    let named = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(input)?;
    let mut wrong = Diagnostics::default();
    let mut constants = Vec::new();
    for one in named {
        let Expr::Path(mut path) = one else {
            wrong.on(
                one,
                "the name of a function is wanted here, like `on_order` or `Shop::on_order`",
            );
            continue;
        };
        if let Some(last) = path.path.segments.last_mut() {
            last.ident = constant(&last.ident);
        }
        constants.push(path);
    }
    let constants = wrong.into_result(constants)?;
    Ok(quote!(::rmq_core::__private::Registrations::new() #(.with(&#constants))*))
}
