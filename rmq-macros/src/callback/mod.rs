//! `#[on_confirm]` and `#[on_return]`.

use darling::FromMeta;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Signature;
use syn::spanned::Spanned as _;

use crate::attribute::{Given, Keyed, TypePath, parse};
use crate::diagnostics::Diagnostics;
use crate::expand::{owner, source};
use crate::signature::{Function, Home, Role};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallbackKind {
    Confirm,
    Return,
}

#[derive(FromMeta)]
struct CallbackAttribute {
    config: Option<Given<TypePath>>,
}

impl Keyed for CallbackAttribute {
    const OF: &'static str = "a callback's attribute";
    const KEYS: &'static [&'static str] = &["config"];
    const EXAMPLE: &'static str =
        "`#[on_confirm]`, or `#[on_confirm(config = RabbitMqConfiguration)]`";
}

impl CallbackKind {
    const fn role(self) -> Role {
        Role {
            attribute: match self {
                Self::Confirm => "on_confirm",
                Self::Return => "on_return",
            },
            noun: "a callback",
            headers: false,
        }
    }

    fn message(self) -> TokenStream {
        match self {
            Self::Confirm => quote!(::rmq_core::__private::Confirm),
            Self::Return => quote!(::rmq_core::__private::ReturnedMessage),
        }
    }

    const fn message_name(self) -> &'static str {
        match self {
            Self::Confirm => "Confirm",
            Self::Return => "ReturnedMessage",
        }
    }
}

/// The descriptor of a callback, as an expression.
pub(crate) fn descriptor(
    kind: CallbackKind,
    attribute: TokenStream,
    signature: &mut Signature,
    home: Home,
) -> syn::Result<TokenStream> {
    let mut wrong = Diagnostics::default();
    let said: Option<CallbackAttribute> = wrong.keep(parse(attribute));
    let role = kind.role();
    if let (Home::Configuration, Some(config)) =
        (home, said.as_ref().and_then(|s| s.config.as_ref()))
    {
        wrong.at(
            config.span,
            "a method belongs to its type: drop `config`, or make it a free function",
        );
    }
    let function = Function::read(signature, role, home, &mut wrong);
    if function.arguments.is_empty() {
        let message = kind.message_name();
        wrong.on(
            &function.ident,
            format!(
                "`#[{}]` is told about a message: take it as an argument, `message: {message}`",
                role.attribute
            ),
        );
    }
    let said = wrong.into_result(said)?;
    let config = said.as_ref().and_then(|said| said.config.as_ref());
    Ok(expand(kind, &function, owner(home, config)))
}

fn expand(kind: CallbackKind, function: &Function, owner: Option<TokenStream>) -> TokenStream {
    let message = kind.message();
    let list = function.list(|argument| {
        let (name, ty) = (&argument.name, &argument.ty);
        quote_spanned! {ty.span()=>
            ::rmq_core::__private::callback_argument::<#message, #ty, _>(#name)
        }
    });
    let span = function.ident.span();
    let output = &function.output;
    let result = quote_spanned! {output.span()=>
        ::rmq_core::__private::callback_result::<#output>()
    };
    let call = function.call();
    let make = if function.is_async {
        quote_spanned!(span=> ::rmq_core::__private::asynchronous_callback)
    } else {
        quote_spanned!(span=> ::rmq_core::__private::blocking_callback)
    };
    let list = Function::checked(&list, "with_message", span);
    let made = quote_spanned!(span=> #make(#list, #result, #call));
    let name = function.name();
    let source = source(&function.ident);
    let constructor = quote::format_ident!("{}", kind.role().attribute);
    quote! {
        ::rmq_core::__private::CallbackDescriptor::#constructor(
            #name, #source, || #made
        ) #owner
    }
}
