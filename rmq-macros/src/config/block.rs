use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{ImplItem, ImplItemFn, ItemImpl};

use crate::diagnostics::Diagnostics;
use crate::function::{descriptor, second};
use crate::marks::{self, Mark, cfgs};
use crate::signature::{Home, constant};

/// Collects the marked methods of a configuration's `impl` block.
pub(super) fn expand(attribute: &TokenStream, mut block: ItemImpl) -> TokenStream {
    let mut wrong = Diagnostics::default();
    whole(attribute, &block, &mut wrong);
    let mut made = Vec::new();
    let mut callbacks = Vec::new();
    for item in &mut block.items {
        if let ImplItem::Fn(method) = item {
            made.extend(read(method, &mut callbacks, &mut wrong));
        }
    }
    // With faults, the methods stay callable and nothing is registered.
    match wrong.into_result(made) {
        Ok(made) => registered(&block, &made),
        Err(error) => {
            let error = error.into_compile_error();
            quote!(#block #error)
        }
    }
}

/// A method's hidden const, and its registration outside the block.
struct Made {
    constant: TokenStream,
    submit: TokenStream,
}

/// `#[rabbit_config(file = "..")] impl`, `impl Trait for Shop`, `impl<T> Shop<T>`
fn whole(attribute: &TokenStream, block: &ItemImpl, wrong: &mut Diagnostics) {
    if !attribute.is_empty() {
        wrong.at(
            attribute.span(),
            "the settings stand on the struct: write plain `#[rabbit_config]` on its `impl` block",
        );
    }
    if let Some((path, _)) = &block.trait_ {
        wrong.on(path, "a trait's methods are not the configuration's own: put `#[rabbit_config]` on an `impl` block without a trait");
    }
    if let Some(parameter) = block.generics.params.first() {
        wrong.on(
            parameter,
            "a configuration cannot be generic: it is registered once, by name",
        );
    }
}

fn read(
    method: &mut ImplItemFn,
    callbacks: &mut Vec<Mark>,
    wrong: &mut Diagnostics,
) -> Option<Made> {
    marks::hidden(&mut method.attrs, wrong);
    let mut marks = marks::take(&mut method.attrs).into_iter();
    let (mark, attribute) = marks.next()?;
    if let Some((other, at)) = marks.next() {
        wrong.push(second(mark, other, &at));
    }
    let cfgs = cfgs(&method.attrs);
    if matches!(mark, Mark::OnConfirm | Mark::OnReturn) && cfgs.is_empty() {
        if callbacks.contains(&mark) {
            wrong.on(
                &attribute,
                format!(
                    "a second `#[{}]` of one configuration: call one from the other",
                    mark.name()
                ),
            );
        }
        callbacks.push(mark);
    }
    let arguments = wrong.keep(marks::arguments(&attribute))?;
    let made = descriptor(mark, arguments, &mut method.sig, Home::Configuration);
    let (kind, descriptor) = wrong.keep(made)?;
    let (visibility, constant) = (&method.vis, constant(&method.sig.ident));
    Some(Made {
        constant: quote! {
            #(#cfgs)*
            #[doc(hidden)]
            #[allow(non_upper_case_globals)]
            #visibility const #constant: ::rmq_core::__private::#kind = #descriptor;
        },
        submit: quote! {
            #(#cfgs)*
            const _: () = {
                ::rmq_core::__private::inventory::submit! { Configuration::#constant }
            };
        },
    })
}

fn registered(block: &ItemImpl, made: &[Made]) -> TokenStream {
    let of_block = cfgs(&block.attrs);
    let ty = &block.self_ty;
    let constants = made.iter().map(|made| &made.constant);
    let submits = made.iter().map(|made| &made.submit);
    let is_configuration = quote_spanned! {ty.span()=>
        ::rmq_core::__private::is_configuration::<#ty>()
    };
    quote! {
        #block
        #(#of_block)*
        impl #ty {
            #(#constants)*
        }
        #(#of_block)*
        const _: () = {
            type Configuration = #ty;
            const _: () = #is_configuration;
            #(#submits)*
        };
    }
}
