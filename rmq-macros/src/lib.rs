//! The attributes and derives of rmq-core. Depend on `rmq-core`, which re-exports them.

mod attribute;
mod callback;
mod config;
mod diagnostics;
mod expand;
mod function;
mod list;
mod listener;
mod marks;
mod message;
mod method;
mod signature;

use proc_macro::TokenStream;

use crate::diagnostics::tell;
use crate::marks::Mark;

/// x
#[proc_macro_attribute]
pub fn rabbit_config(attribute: TokenStream, item: TokenStream) -> TokenStream {
    config::expand(attribute.into(), item.into()).into()
}

/// x
#[proc_macro_attribute]
pub fn rabbit_listener(attribute: TokenStream, item: TokenStream) -> TokenStream {
    function::free(Mark::Listener, attribute.into(), item.into()).into()
}

/// x
#[proc_macro_attribute]
pub fn on_confirm(attribute: TokenStream, item: TokenStream) -> TokenStream {
    function::free(Mark::OnConfirm, attribute.into(), item.into()).into()
}

/// x
#[proc_macro_attribute]
pub fn on_return(attribute: TokenStream, item: TokenStream) -> TokenStream {
    function::free(Mark::OnReturn, attribute.into(), item.into()).into()
}

/// x
#[proc_macro_attribute]
pub fn component(attribute: TokenStream, item: TokenStream) -> TokenStream {
    function::free(Mark::Component, attribute.into(), item.into()).into()
}

/// x
#[proc_macro_attribute]
pub fn declarables(attribute: TokenStream, item: TokenStream) -> TokenStream {
    function::free(Mark::Declarables, attribute.into(), item.into()).into()
}

/// x
#[proc_macro_derive(RabbitMessage, attributes(rabbit))]
pub fn rabbit_message(input: TokenStream) -> TokenStream {
    tell(message::expand(input.into())).into()
}

/// x
#[proc_macro]
pub fn listeners(input: TokenStream) -> TokenStream {
    tell(list::expand(input.into())).into()
}
