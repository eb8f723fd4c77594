use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{ReturnType, Signature};

use super::no_keys;
use crate::diagnostics::Diagnostics;
use crate::expand::source;
use crate::signature::{Function, Home, Role};

const ROLE: Role = Role {
    attribute: "declarables",
    noun: "a declarables method",
    headers: false,
};

/// The descriptor of a set of declarables, as an expression.
pub(crate) fn descriptor(
    attribute: &TokenStream,
    signature: &mut Signature,
) -> syn::Result<TokenStream> {
    let mut wrong = Diagnostics::default();
    no_keys(attribute, ROLE.attribute, &mut wrong);
    if let Some(asyncness) = &signature.asyncness {
        wrong.on(asyncness, "a topology is plain data: drop the `async`");
    }
    if matches!(signature.output, ReturnType::Default) {
        wrong.on(
            &signature.ident,
            "what is to be declared? Write `-> Declarables` and return it",
        );
    }
    let function = Function::read(signature, ROLE, Home::Configuration, &mut wrong);
    if let Some(argument) = function.arguments.first() {
        wrong.on(
            &argument.ty,
            "a topology is plain data: take nothing but `&self`",
        );
    }
    wrong.into_result(())?;
    let (name, source, ident) = (function.name(), source(&function.ident), &function.ident);
    let output = &function.output;
    let declared = quote_spanned!(output.span()=> ::rmq_core::__private::declared::<#output>());
    let method = if function.has_receiver {
        quote!(Self::#ident)
    } else {
        quote!(|_: &Self| Self::#ident())
    };
    Ok(quote! {
        ::rmq_core::__private::DeclarablesDescriptor::new(
            #name, #source, ::rmq_core::__private::owner_of_method::<Self>(),
            |components| ::rmq_core::__private::declare(components, #declared, #method)
        )
    })
}
