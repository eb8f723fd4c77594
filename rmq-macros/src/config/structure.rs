use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Fields, ItemStruct};

use super::parse::{ConfigAttribute, Executor};
use crate::attribute::parse;
use crate::diagnostics::Diagnostics;
use crate::expand::source;
use crate::marks::cfgs;

pub(super) fn expand(attribute: TokenStream, structure: &ItemStruct) -> syn::Result<TokenStream> {
    let mut wrong = Diagnostics::default();
    let said: Option<ConfigAttribute> = wrong.keep(parse(attribute));
    if let Some(parameter) = structure.generics.params.first() {
        wrong.on(
            parameter,
            "a configuration cannot be generic: it is registered once, by name",
        );
    }
    if let Some(executor) = said.as_ref().and_then(|said| said.executor.as_ref()) {
        check_sizes(&executor.0, &mut wrong);
    }
    let said = wrong.into_result(said)?;
    let Some(said) = said else {
        return Ok(TokenStream::new());
    };
    let (ident, cfgs) = (&structure.ident, cfgs(&structure.attrs));
    let descriptor = descriptor(&said, structure);
    let starters = starters(structure);
    // A type that cannot be shared is told at its name.
    let implement = quote_spanned! {ident.span()=>
        impl ::rmq_core::__private::RabbitConfiguration for #ident
    };
    Ok(quote! {
        #(#cfgs)*
        const _: () = {
            const SAID: ::rmq_core::__private::ConfigurationDescriptor = #descriptor;
            #implement {
                const DESCRIPTOR: ::rmq_core::__private::ConfigurationDescriptor = SAID;
            }
            ::rmq_core::__private::inventory::submit! { SAID }
        };
        #(#cfgs)*
        #starters
    })
}

fn check_sizes(executor: &Executor, wrong: &mut Diagnostics) {
    if let (Some(core), Some(max)) = (&executor.core_size, &executor.max_size)
        && core.value.0 > max.value.0
    {
        wrong.at(
            max.span,
            "`max_size` is smaller than `core_size`: raise it, or lower `core_size`",
        );
    }
}

fn descriptor(said: &ConfigAttribute, structure: &ItemStruct) -> TokenStream {
    let ident = &structure.ident;
    let name = ident.to_string();
    let source = source(ident);
    let file = said.file.iter().map(|file| &file.value.0);
    let broker = said.name.iter().map(|name| &name.value.0);
    let converter = said.converter.as_ref().map(|converter| {
        let expr = &converter.value.0;
        let shared = quote_spanned!(expr.span()=> ::rmq_core::__private::converter(#expr));
        quote!(.converter(|| #shared))
    });
    let executor = said
        .executor
        .as_ref()
        .map(|executor| self::executor(&executor.0));
    let expected = said.expect_listeners.as_ref().map(|names| {
        let names = names.value.0.iter().map(|name| &name.value.0);
        quote!(.expect_listeners(&[#(#names),*]))
    });
    quote! {
        ::rmq_core::__private::ConfigurationDescriptor::new::<#ident>(#name, #source)
            #(.file(#file))* #(.broker(#broker))* #converter #executor #expected
    }
}

fn executor(executor: &Executor) -> TokenStream {
    let core = executor.core_size.iter().map(|count| count.value.0);
    let max = executor.max_size.iter().map(|count| count.value.0);
    let queue = executor.queue_capacity.iter().map(|count| count.value.0);
    let prefix = executor
        .thread_name_prefix
        .iter()
        .map(|prefix| &prefix.value.0);
    let policy = executor
        .rejection_policy
        .iter()
        .map(|policy| policy.value.0);
    let wait = executor.await_termination.iter().map(|flag| flag.value.0);
    quote! {
        .executor(::rmq_core::__private::ExecutorOptions::new()
            #(.core_size(#core))* #(.max_size(#max))* #(.queue_capacity(#queue))*
            #(.thread_name_prefix(#prefix))* #(.rejection_policy(#policy))* #(.await_termination(#wait))*)
    }
}

/// `start()` and `builder()`: of the type where it has no fields, else of a value.
fn starters(structure: &ItemStruct) -> TokenStream {
    let (ident, visibility) = (&structure.ident, &structure.vis);
    let (receiver, value, own) = match structure.fields {
        Fields::Unit => (None, quote!(#ident), quote!(Self::builder())),
        _ => (Some(quote!(self)), quote!(self), quote!(self.builder())),
    };
    quote! {
        #[allow(dead_code)]
        impl #ident {
            /// The application of this configuration, to be changed before it starts.
            #visibility fn builder(#receiver) -> ::rmq_core::__private::RabbitBuilder {
                ::rmq_core::__private::builder(#value)
            }

            /// Starts the application: `builder().start()`.
            ///
            /// # Errors
            /// Everything that keeps it from starting, at once.
            #visibility async fn start(#receiver) -> ::core::result::Result<
                ::rmq_core::__private::RabbitApp,
                ::rmq_core::__private::StartError,
            > {
                #own.start().await
            }
        }
    }
}
