//! `#[derive(RabbitMessage)]`.

use darling::FromMeta;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Attribute, Data, DeriveInput};

use crate::attribute::{Given, Keyed, Text, parse};
use crate::marks;

/// What stands between the brackets of `#[rabbit]`.
#[derive(FromMeta)]
struct MessageAttribute {
    exchange: Option<Given<Text>>,
    routing_key: Option<Given<Text>>,
}

impl Keyed for MessageAttribute {
    const OF: &'static str = "`#[rabbit]`";
    const KEYS: &'static [&'static str] = &["exchange", "routing_key"];
    const EXAMPLE: &'static str =
        "`#[rabbit(exchange = \"orders\", routing_key = \"order.created\")]`";
}

pub(crate) fn expand(input: TokenStream) -> syn::Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    if let Data::Union(data) = &input.data {
        let message = "a union cannot be serialized: derive it on a struct or an enum";
        return Err(syn::Error::new_spanned(data.union_token, message));
    }
    let said = attribute(&input)?;
    let exchange = text(
        said.exchange,
        &input,
        "exchange",
        "\"\" is the default exchange, whose routing key is a queue's name",
    )?;
    let routing_key = text(
        said.routing_key,
        &input,
        "routing_key",
        "\"\" where the exchange does not look at it",
    )?;
    let ident = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let implement = quote_spanned! {ident.span()=>
        impl #generics ::rmq_core::__private::RabbitMessage for #ident #arguments #bounds
    };
    Ok(quote! {
        #implement {
            const EXCHANGE: &'static str = #exchange;
            const ROUTING_KEY: &'static str = #routing_key;
        }
    })
}

fn attribute(input: &DeriveInput) -> syn::Result<MessageAttribute> {
    let ours: Vec<&Attribute> = input
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("rabbit"))
        .collect();
    match *ours {
        [] => Err(syn::Error::new_spanned(
            &input.ident,
            format!("where is it published? Add {}", MessageAttribute::EXAMPLE),
        )),
        [one] => parse(marks::arguments(one)?),
        [_, second, ..] => Err(syn::Error::new_spanned(
            second,
            "a second `#[rabbit]`: put both keys into one",
        )),
    }
}

fn text(
    given: Option<Given<Text>>,
    input: &DeriveInput,
    key: &str,
    empty: &str,
) -> syn::Result<String> {
    given.map(|given| given.value.0).ok_or_else(|| {
        let message = format!("`#[rabbit]` lacks `{key} = \"..\"` ({empty})");
        syn::Error::new_spanned(&input.ident, message)
    })
}
