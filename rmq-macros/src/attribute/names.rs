use quote::ToTokens as _;
use syn::spanned::Spanned as _;
use syn::{Expr, LitStr, Path};

use super::literal::text;
use super::{Given, Value};

/// The longest AMQP short string, in bytes.
const SHORT_STRING: usize = 255;

/// Checks a name that travels as an AMQP short string.
fn short(text: &LitStr) -> syn::Result<String> {
    let name = text.value();
    if name.len() > SHORT_STRING {
        let message = format!(
            "{} bytes, and AMQP has room for {SHORT_STRING} in a name: shorten it",
            name.len()
        );
        return Err(syn::Error::new(text.span(), message));
    }
    Ok(name)
}

/// A name that may be empty: a routing key, the default exchange.
#[derive(Debug, Clone)]
pub(crate) struct Text(pub(crate) String);

impl Value for Text {
    const EXAMPLE: &'static str = "\"orders\"";

    fn read(expr: &Expr) -> syn::Result<Self> {
        short(text(expr, Self::EXAMPLE)?).map(Self)
    }
}

/// A name that is not empty: a queue, a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(pub(crate) String);

impl Value for Name {
    const EXAMPLE: &'static str = "\"orders.created\"";

    fn read(expr: &Expr) -> syn::Result<Self> {
        let text = text(expr, Self::EXAMPLE)?;
        let name = short(text)?;
        if name.trim().is_empty() {
            let message = "an empty name: write the name between the quotes";
            return Err(syn::Error::new(text.span(), message));
        }
        Ok(Self(name))
    }
}

/// Several names: `["a", "b"]`, none empty, none twice.
#[derive(Debug, Clone)]
pub(crate) struct Names(pub(crate) Vec<Given<Name>>);

impl Value for Names {
    const EXAMPLE: &'static str = "[\"orders.created\", \"orders.paid\"]";

    fn read(expr: &Expr) -> syn::Result<Self> {
        let Expr::Array(array) = expr else {
            let message = format!("several names are wanted here, like {}", Self::EXAMPLE);
            return Err(syn::Error::new(expr.span(), message));
        };
        if array.elems.is_empty() {
            let message = format!("an empty list: name at least one, like {}", Self::EXAMPLE);
            return Err(syn::Error::new(expr.span(), message));
        }
        let mut names: Vec<Given<Name>> = Vec::new();
        for element in &array.elems {
            let value = Name::read(element)?;
            if names.iter().any(|name| name.value == value) {
                let message = format!("\"{}\" is named twice: keep one", value.0);
                return Err(syn::Error::new(element.span(), message));
            }
            names.push(Given {
                value,
                span: element.span(),
            });
        }
        Ok(Self(names))
    }
}

/// A name that is a key of `rabbit.yml` and a part of an environment variable: letters, digits, `_`, `-`, `.`.
#[derive(Debug, Clone)]
pub(crate) struct Identifier(pub(crate) String);

impl Value for Identifier {
    const EXAMPLE: &'static str = "\"on-order\"";

    fn read(expr: &Expr) -> syn::Result<Self> {
        let text = text(expr, Self::EXAMPLE)?;
        let name = short(text)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty() || !name.chars().all(fits) {
            let message = "it becomes a key of rabbit.yml and a part of an environment variable: use letters, digits, `-`, `_` and `.` only";
            return Err(syn::Error::new(text.span(), message));
        }
        Ok(Self(name))
    }
}

/// A type.
#[derive(Debug, Clone)]
pub(crate) struct TypePath(pub(crate) Path);

impl Value for TypePath {
    const EXAMPLE: &'static str = "RabbitMqConfiguration";

    fn read(expr: &Expr) -> syn::Result<Self> {
        match expr {
            Expr::Path(path) if path.qself.is_none() => Ok(Self(path.path.clone())),
            Expr::Group(group) => Self::read(&group.expr),
            other => {
                let message = format!(
                    "a type is wanted here, not `{}`: write its name without quotes",
                    other.to_token_stream()
                );
                Err(syn::Error::new(other.span(), message))
            }
        }
    }
}
