use darling::FromMeta;
use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::{Expr, Meta};

/// What stands behind `key =`.
pub(crate) trait Value: Sized {
    /// A right one, for errors.
    const EXAMPLE: &'static str;

    /// Reads it, or says what is wrong at the token that is wrong.
    fn read(expr: &Expr) -> syn::Result<Self>;
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Given<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

impl<T: Value> FromMeta for Given<T> {
    fn from_meta(item: &Meta) -> darling::Result<Self> {
        let Meta::NameValue(pair) = item else {
            let key = item.path().get_ident().map(ToString::to_string);
            let message = format!(
                "`{key}` takes a value: write `{key} = {}`",
                T::EXAMPLE,
                key = key.unwrap_or_default()
            );
            return Err(darling::Error::custom(message).with_span(item));
        };
        let value = T::read(&pair.value).map_err(darling::Error::from)?;
        Ok(Self {
            value,
            span: pair.value.span(),
        })
    }
}
