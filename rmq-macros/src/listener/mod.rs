//! `#[rabbit_listener]`: parse, check, expand.

mod bindings;
mod check;
mod expand;
mod parse;

use proc_macro2::TokenStream;
use syn::{Ident, Signature};

use crate::attribute;
use crate::diagnostics::Diagnostics;
use crate::signature::{Function, Home, Role};

const ROLE: Role = Role {
    attribute: "rabbit_listener",
    noun: "a listener",
    headers: true,
};

/// The descriptor of a listener, as an expression; takes `#[header]` off the signature.
pub(crate) fn descriptor(
    attribute: TokenStream,
    signature: &mut Signature,
    home: Home,
) -> syn::Result<TokenStream> {
    let mut wrong = Diagnostics::default();
    let said = wrong.keep(read(attribute, &signature.ident, home));
    let function = Function::read(signature, ROLE, home, &mut wrong);
    let said = wrong.into_result(said)?;
    Ok(said.map_or_else(TokenStream::new, |said| {
        expand::descriptor(&said, &function, home)
    }))
}

fn read(
    attribute: TokenStream,
    function: &Ident,
    home: Home,
) -> syn::Result<parse::ListenerAttribute> {
    let said = attribute::parse(attribute)?;
    check::listener(&said, function, home)?;
    Ok(said)
}
