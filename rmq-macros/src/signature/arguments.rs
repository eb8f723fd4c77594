use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::{Attribute, LitStr, Meta, PatType, Type};

use super::{Role, argument_name, checks};
use crate::diagnostics::Diagnostics;
use crate::marks::holds;

/// One argument.
pub(crate) struct Argument {
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) header: Option<String>,
}

impl Argument {
    pub(super) fn read(typed: &mut PatType, role: Role, wrong: &mut Diagnostics) -> Self {
        let marks = take_headers(&mut typed.attrs);
        no_conditions(&mut typed.attrs, wrong);
        checks::argument_type(&typed.ty, role, wrong);
        let header = match &*marks {
            [] => None,
            [mark] if role.headers => wrong.keep(header_name(mark)),
            [mark] => {
                wrong.on(
                    mark,
                    format!(
                        "{} takes no headers: only a listener's argument has a `#[header]`",
                        role.noun
                    ),
                );
                None
            }
            [_, second, ..] => {
                wrong.on(
                    second,
                    "an argument has one `#[header]`: take another argument for the other header",
                );
                None
            }
        };
        Self {
            name: argument_name(&typed.pat),
            ty: (*typed.ty).clone(),
            header,
        }
    }
}

/// `#[cfg(..)] tenant: String`, `#[cfg_attr(.., header("x-tenant"))] tenant: String`
fn no_conditions(attributes: &mut Vec<Attribute>, wrong: &mut Diagnostics) {
    attributes.retain(|attribute| {
        let conditional = attribute.path().is_ident("cfg") || holds(attribute, "header");
        if conditional {
            wrong.on(attribute, "the arguments of a registered function are fixed: put a `#[cfg]` on the function, and write one function for each case");
        }
        !conditional
    });
}

/// `self` has no mark.
pub(super) fn no_marks(attributes: &mut Vec<Attribute>, wrong: &mut Diagnostics) {
    for mark in take_headers(attributes) {
        wrong.on(
            mark,
            "`self` is the configuration: put `#[header]` on an argument behind it",
        );
    }
}

fn take_headers(attributes: &mut Vec<Attribute>) -> Vec<Attribute> {
    let (marks, others) = std::mem::take(attributes)
        .into_iter()
        .partition(|attribute| attribute.path().is_ident("header"));
    *attributes = others;
    marks
}

fn header_name(mark: &Attribute) -> syn::Result<String> {
    let error = |span: Span, what: &str| {
        Err(syn::Error::new(
            span,
            format!("{what}: write `#[header(\"x-tenant\")]`"),
        ))
    };
    let Meta::List(list) = &mark.meta else {
        return error(
            mark.meta.span(),
            "which header? Its name stands in brackets",
        );
    };
    let Ok(name) = syn::parse2::<LitStr>(list.tokens.clone()) else {
        return error(list.tokens.span(), "a header's name is one text in quotes");
    };
    match name.value().len() {
        0 => error(name.span(), "an empty header name"),
        1..=255 => Ok(name.value()),
        _ => error(name.span(), "a header's name has at most 255 bytes"),
    }
}
