use darling::FromMeta;
use darling::ast::NestedMeta;
use proc_macro2::TokenStream;
use syn::Meta;
use syn::spanned::Spanned as _;

use crate::diagnostics::Diagnostics;

/// A set of keys that darling reads into a struct.
pub(crate) trait Keyed: FromMeta {
    /// What the keys belong to, as the user writes it.
    const OF: &'static str;
    /// The keys.
    const KEYS: &'static [&'static str];
    /// A right one, for errors.
    const EXAMPLE: &'static str;
}

/// Reads the tokens between an attribute's brackets.
pub(crate) fn parse<T: Keyed>(tokens: TokenStream) -> syn::Result<T> {
    let metas = NestedMeta::parse_meta_list(tokens).map_err(|error| {
        let message = format!("{error}; {} is written like this: {}", T::OF, T::EXAMPLE);
        syn::Error::new(error.span(), message)
    })?;
    read(&metas)
}

fn read<T: Keyed>(metas: &[NestedMeta]) -> syn::Result<T> {
    let mut wrong = Diagnostics::default();
    let mut seen: Vec<&str> = Vec::new();
    for meta in metas {
        match meta {
            NestedMeta::Lit(literal) => wrong.on(
                literal,
                format!(
                    "a value without its key; {} is written like this: {}",
                    T::OF,
                    T::EXAMPLE
                ),
            ),
            NestedMeta::NameValueInvalidExpr(pair) => wrong.on(
                pair,
                format!("no value; {} is written like this: {}", T::OF, T::EXAMPLE),
            ),
            NestedMeta::Meta(meta) => match known::<T>(meta) {
                Ok(key) if seen.contains(&key) => {
                    wrong.on(meta.path(), format!("`{key}` is said twice: keep one"));
                }
                Ok(key) => seen.push(key),
                Err(error) => wrong.push(error),
            },
        }
    }
    wrong.into_result(())?;
    T::from_list(metas).map_err(syn::Error::from)
}

fn known<T: Keyed>(meta: &Meta) -> syn::Result<&'static str> {
    let path = meta.path();
    if let Some(key) = T::KEYS.iter().find(|key| path.is_ident(key)) {
        return Ok(key);
    }
    let name = path
        .segments
        .iter()
        .map(|segment| segment.ident.to_string())
        .collect::<Vec<_>>()
        .join("::");
    let hint = match nearest(&name, T::KEYS) {
        Some(key) => format!("did you mean `{key}`?"),
        None => format!("its keys are `{}`", T::KEYS.join("`, `")),
    };
    let message = format!("{} has no key `{name}`: {hint}", T::OF);
    Err(syn::Error::new(path.span(), message))
}

/// The key that was probably meant.
pub(crate) fn nearest<'k>(name: &str, keys: &[&'k str]) -> Option<&'k str> {
    let name = name.replace('-', "_");
    let scored = keys
        .iter()
        .map(|key| (strsim::jaro_winkler(&name, key), *key));
    scored
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, key)| key)
}

/// A key with keys of its own: `retry(max_attempts = 3)`.
pub(crate) struct Nested<T>(pub(crate) T);

impl<T: Keyed> FromMeta for Nested<T> {
    fn from_meta(item: &Meta) -> darling::Result<Self> {
        let Meta::List(list) = item else {
            let message = format!("{} is written like this: {}", T::OF, T::EXAMPLE);
            return Err(darling::Error::custom(message).with_span(item));
        };
        parse(list.tokens.clone())
            .map(Self)
            .map_err(darling::Error::from)
    }
}
