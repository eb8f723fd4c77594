//! What every expansion needs.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Attribute, Ident, Visibility};

use crate::attribute::{Given, TypePath};
use crate::signature::Home;

/// The place of a name in the user's source.
pub(crate) fn source(ident: &Ident) -> TokenStream {
    quote_spanned! {ident.span()=>
        ::rmq_core::__private::Source::new(
            ::core::module_path!(), ::core::file!(), ::core::line!(), ::core::column!()
        )
    }
}

/// The configuration that a function belongs to, if it says so or is a method.
pub(crate) fn owner(home: Home, config: Option<&Given<TypePath>>) -> Option<TokenStream> {
    match (home, config) {
        (Home::Configuration, _) => {
            Some(quote!(.owner(::rmq_core::__private::owner_of_method::<Self>())))
        }
        (Home::Free, Some(config)) => {
            let path = &config.value.0;
            let owner = quote_spanned! {path.span()=>
                ::rmq_core::__private::owner::<#path>()
            };
            Some(quote!(.owner(#owner)))
        }
        (Home::Free, None) => None,
    }
}

/// The hidden const of a free function, and its registration.
pub(crate) fn registered_const(
    cfgs: &[Attribute],
    visibility: &Visibility,
    constant: &Ident,
    kind: &Ident,
    descriptor: &TokenStream,
) -> TokenStream {
    quote! {
        #(#cfgs)*
        #[doc(hidden)]
        #[allow(non_upper_case_globals)]
        #visibility const #constant: ::rmq_core::__private::#kind = {
            const DESCRIPTOR: ::rmq_core::__private::#kind = #descriptor;
            ::rmq_core::__private::inventory::submit! { DESCRIPTOR }
            DESCRIPTOR
        };
    }
}
