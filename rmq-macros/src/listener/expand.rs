use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::bindings::Binding;
use super::parse::{Acknowledge, ListenerAttribute, OnFailure, Retry};
use crate::attribute::{Given, Name};
use crate::expand::{owner, source};
use crate::signature::{Function, Home};

/// Literals and one function pointer.
pub(super) fn descriptor(said: &ListenerAttribute, function: &Function, home: Home) -> TokenStream {
    let name = function.name();
    let source = source(&function.ident);
    let handler = handler(said, function);
    let id = said
        .id
        .as_ref()
        .map(|id| &id.value.0)
        .map(|id| quote!(.id(#id)));
    let owner = owner(home, said.config.as_ref());
    let queues = queues(said);
    let options = options(said);
    quote! {
        ::rmq_core::__private::ListenerDescriptor::new(#name, #source, || #handler)
            #id #owner #queues #options
    }
}

fn handler(said: &ListenerAttribute, function: &Function) -> TokenStream {
    let list = function.list(|argument| {
        let (name, ty) = (&argument.name, &argument.ty);
        match &argument.header {
            Some(header) => quote_spanned! {ty.span()=>
                ::rmq_core::__private::header::<#ty>(#name, #header)
            },
            None => quote_spanned! {ty.span()=>
                ::rmq_core::__private::argument::<#ty, _>(#name)
            },
        }
    });
    let list = match &said.ack {
        None => list,
        Some(ack) if ack.value == Acknowledge::Manual => {
            Function::checked(&list, "manual", ack.span)
        }
        Some(ack) => Function::checked(&list, "not_manual", ack.span),
    };
    let output = &function.output;
    let outcome = quote_spanned! {output.span()=>
        ::rmq_core::__private::outcome::<#output>()
    };
    let call = function.call();
    let span = function.ident.span();
    let make = if function.is_async {
        quote_spanned!(span=> ::rmq_core::__private::asynchronous)
    } else {
        quote_spanned!(span=> ::rmq_core::__private::blocking)
    };
    quote_spanned!(span=> #make(#list, #outcome, #call))
}

fn queues(said: &ListenerAttribute) -> TokenStream {
    if let Some(bindings) = &said.bindings {
        let all = bindings.all.iter().map(binding);
        return quote!(.bindings(&[#(#all),*]));
    }
    let queue = said.queue.iter();
    let queues = said.queues.iter().flat_map(|queues| &queues.value.0);
    let names = queue.chain(queues).map(
        |Given {
             value: Name(name), ..
         }| name,
    );
    quote!(.queues(&[#(#names),*]))
}

fn binding(binding: &Binding) -> TokenStream {
    let queue = binding.queue.iter().map(|queue| &queue.value.0);
    let exchange = binding.exchange.iter().map(|exchange| &exchange.value.0);
    let queue_type = binding.queue_type.as_ref().map(|kind| {
        let kind = kind.value.0;
        quote!(.queue_type(#kind))
    });
    let exchange_type = binding.exchange_type.as_ref().map(|kind| {
        let kind = kind.value.0;
        quote!(.exchange_type(#kind))
    });
    let one = binding.routing_key.iter().map(|key| &key.value.0);
    let many = binding.routing_keys.iter().flat_map(|keys| &keys.value.0);
    let keys: Vec<_> = one.chain(many).collect();
    let keys = (!keys.is_empty()).then(|| quote!(.routing_keys(&[#(#keys),*])));
    quote! {
        ::rmq_core::__private::ListenerBinding::new(#(#queue,)* #(#exchange),*)
            #queue_type #exchange_type #keys
    }
}

fn options(said: &ListenerAttribute) -> Option<TokenStream> {
    let concurrency = said.concurrency.as_ref().map(|range| {
        let (min, max) = (u32::from(range.value.min), u32::from(range.value.max));
        quote!(.concurrency(::rmq_core::__private::Concurrency::new(#min, #max)))
    });
    let prefetch = said.prefetch.as_ref().and_then(|count| {
        let count = u16::try_from(count.value.0).ok()?;
        Some(quote!(.prefetch(#count)))
    });
    let ack = said.ack.as_ref().map(|ack| match ack.value {
        Acknowledge::Auto => quote!(Auto),
        Acknowledge::Manual => quote!(Manual),
        Acknowledge::None => quote!(None),
    });
    let ack = ack.map(|mode| quote!(.acknowledge(::rmq_core::__private::AcknowledgeMode::#mode)));
    let retry = said.retry.as_ref().map(|retry| retry_options(&retry.0));
    let dead_letter = said.dead_letter.as_ref().map(|route| {
        let route = &route.value.0;
        quote!(.dead_letter(#route))
    });
    let on_failure = said.on_failure.as_ref().map(|end| match &end.value {
        OnFailure::Reject => quote!(Reject),
        OnFailure::Park(queue) => quote!(Park(#queue)),
    });
    let on_failure =
        on_failure.map(|end| quote!(.on_failure(::rmq_core::__private::OnFailure::#end)));
    let flag = |key: &str, flag: &Option<Given<crate::attribute::Flag>>| {
        let value = flag.as_ref()?.value.0;
        let key = quote::format_ident!("{key}");
        Some(quote!(.#key(#value)))
    };
    let auto_startup = flag("auto_startup", &said.auto_startup);
    let exclusive = flag("exclusive", &said.exclusive);
    let priority = said.priority.as_ref().map(|number| {
        let number = number.value.0;
        quote!(.priority(#number))
    });
    let all = quote!(#concurrency #prefetch #ack #retry #dead_letter #on_failure #auto_startup #exclusive #priority);
    (!all.is_empty()).then(|| quote!(.options(::rmq_core::__private::ListenerOptions::new() #all)))
}

fn retry_options(retry: &Retry) -> TokenStream {
    let attempts = retry.max_attempts.as_ref().map(|count| {
        let count = count.value.0;
        quote!(.max_attempts(#count))
    });
    let initial = retry.initial_interval.as_ref().map(|interval| {
        let interval = interval.value.0;
        quote!(.initial_interval(#interval))
    });
    let multiplier = retry.multiplier.as_ref().map(|factor| {
        let factor = factor.value.0;
        quote!(.multiplier(#factor))
    });
    let max = retry.max_interval.as_ref().map(|interval| {
        let interval = interval.value.0;
        quote!(.max_interval(#interval))
    });
    quote!(.retry(::rmq_core::__private::RetryOptions::new() #attempts #initial #multiplier #max))
}
