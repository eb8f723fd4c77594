//! A function that this crate calls: what may stand in its signature, and how it is called.

mod arguments;
mod checks;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{FnArg, Ident, Pat, ReturnType, Signature, Type};

use crate::diagnostics::Diagnostics;
pub(crate) use arguments::Argument;

/// What a function is to our attribute, for errors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Role {
    /// `#[rabbit_listener]` and its like, without brackets.
    pub(crate) attribute: &'static str,
    /// `a listener` and its like.
    pub(crate) noun: &'static str,
    /// Whether arguments may be marked `#[header]`.
    pub(crate) headers: bool,
}

/// Where a function stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    /// By itself.
    Free,
    /// In the `impl` block of a configuration.
    Configuration,
}

/// A function whose signature is right.
pub(crate) struct Function {
    pub(crate) ident: Ident,
    pub(crate) is_async: bool,
    pub(crate) has_receiver: bool,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) output: Type,
    home: Home,
}

impl Function {
    /// Reads a signature, and takes our marks off its arguments.
    pub(crate) fn read(
        signature: &mut Signature,
        role: Role,
        home: Home,
        wrong: &mut Diagnostics,
    ) -> Self {
        checks::signature(signature, role, home, wrong);
        let mut arguments = Vec::new();
        let mut has_receiver = false;
        for input in &mut signature.inputs {
            match input {
                FnArg::Receiver(receiver) => {
                    has_receiver = true;
                    arguments::no_marks(&mut receiver.attrs, wrong);
                }
                FnArg::Typed(typed) => arguments.push(Argument::read(typed, role, wrong)),
            }
        }
        Self {
            ident: signature.ident.clone(),
            is_async: signature.asyncness.is_some(),
            has_receiver,
            arguments,
            output: match &signature.output {
                ReturnType::Default => syn::parse_quote!(()),
                ReturnType::Type(_, output) => (**output).clone(),
            },
            home,
        }
    }

    /// The function's name without a raw mark.
    pub(crate) fn name(&self) -> String {
        let name = self.ident.to_string();
        name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
    }

    /// The list of arguments, with a receiver first. `argument` says how one is taken.
    pub(crate) fn list(&self, argument: impl Fn(&Argument) -> TokenStream) -> TokenStream {
        let receiver = self
            .has_receiver
            .then(|| quote!(.then(::rmq_core::__private::receiver::<Self, _>())));
        let then = self.arguments.iter().map(|one| {
            let taken = argument(one);
            quote_spanned!(one.ty.span()=> .then(#taken))
        });
        quote!(::rmq_core::__private::arguments() #receiver #(#then)*)
    }

    /// The list after a check of its state, with the check's error at `span`.
    pub(crate) fn checked(list: &TokenStream, check: &str, span: Span) -> TokenStream {
        let (check, checked) = (Ident::new(check, span), Ident::new("list", span));
        quote!({ let #checked = #list; ::rmq_core::__private::#check(#checked) })
    }

    /// A closure that calls the function with the values of its list.
    pub(crate) fn call(&self) -> TokenStream {
        let values: Vec<Ident> = (0..self.arguments.len())
            .map(|index| format_ident!("argument{index}"))
            .collect();
        let (ident, span) = (&self.ident, self.ident.span());
        let receiver = self.has_receiver.then(|| format_ident!("this"));
        let all = receiver.iter().chain(&values);
        let pattern = all.fold(quote!(()), |before, value| quote!((#before, #value)));
        let function = match self.home {
            Home::Free => quote!(#ident),
            Home::Configuration => quote!(Self::#ident),
        };
        match (self.has_receiver, self.is_async) {
            (true, true) => {
                quote_spanned!(span=> |#pattern| async move { #function(&this, #(#values),*).await })
            }
            (true, false) => quote_spanned!(span=> |#pattern| #function(&this, #(#values),*)),
            (false, _) => quote_spanned!(span=> |#pattern| #function(#(#values),*)),
        }
    }
}

/// The name of the hidden const for a function. Where it is missing the compiler says this name, so it says what is missing.
pub(crate) fn constant(ident: &Ident) -> Ident {
    let name = ident.to_string();
    let name = name.strip_prefix("r#").unwrap_or(&name);
    Ident::new(&format!("__rmq_attribute_of_{name}"), ident.span())
}

/// An argument's name for people: its pattern, if that is a name.
fn argument_name(pattern: &Pat) -> String {
    match pattern {
        Pat::Ident(ident) => ident.ident.to_string(),
        _ => "_".to_owned(),
    }
}
