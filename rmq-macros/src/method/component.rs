use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{ReturnType, Signature, Type};

use super::no_keys;
use crate::diagnostics::Diagnostics;
use crate::expand::source;
use crate::signature::{Function, Home, Role};

const ROLE: Role = Role {
    attribute: "component",
    noun: "a component method",
    headers: false,
};

/// The descriptor of a component, as an expression.
pub(crate) fn descriptor(
    attribute: &TokenStream,
    signature: &mut Signature,
) -> syn::Result<TokenStream> {
    let mut wrong = Diagnostics::default();
    no_keys(attribute, ROLE.attribute, &mut wrong);
    if matches!(signature.output, ReturnType::Default) {
        wrong.on(
            &signature.ident,
            "which component does it build? Return it, or a `Result` with it",
        );
    }
    let function = Function::read(signature, ROLE, Home::Configuration, &mut wrong);
    wrong.into_result(())?;
    let list = function.list(|argument| {
        let (name, ty) = (&argument.name, &argument.ty);
        quote_spanned! {ty.span()=>
            ::rmq_core::__private::component_argument::<#ty>(#name)
        }
    });
    let output = &function.output;
    let results = if is_result(output) {
        quote_spanned!(output.span()=> ::rmq_core::__private::fallible::<#output>())
    } else {
        quote_spanned!(output.span()=> ::rmq_core::__private::infallible::<#output>())
    };
    let span = function.ident.span();
    let make = if function.is_async {
        quote_spanned!(span=> ::rmq_core::__private::asynchronous_component)
    } else {
        quote_spanned!(span=> ::rmq_core::__private::blocking_component)
    };
    let (name, source, call) = (function.name(), source(&function.ident), function.call());
    let made = quote_spanned!(span=> #make(#list, #results, #call));
    Ok(quote! {
        ::rmq_core::__private::ComponentDescriptor::new(
            #name, #source, ::rmq_core::__private::owner_of_method::<Self>(), || #made
        )
    })
}

/// Whether a type is called `Result`: an alias of that name has the component in it, too.
fn is_result(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident == "Result"),
        Type::Group(group) => is_result(&group.elem),
        _ => false,
    }
}
