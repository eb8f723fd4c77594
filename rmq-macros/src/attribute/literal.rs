use syn::spanned::Spanned as _;
use syn::{Expr, ExprLit, Lit, LitStr};

/// The literal of an expression, behind the invisible groups that macros leave.
pub(super) fn literal(expr: &Expr) -> Option<&Lit> {
    match expr {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        Expr::Group(group) => literal(&group.expr),
        _ => None,
    }
}

/// A text, or an error that shows one.
pub(crate) fn text<'e>(expr: &'e Expr, example: &str) -> syn::Result<&'e LitStr> {
    match literal(expr) {
        Some(Lit::Str(text)) => Ok(text),
        _ => {
            let message = format!("a text in quotes is wanted here, like {example}");
            Err(syn::Error::new(expr.span(), message))
        }
    }
}

/// A text that is one of a few words.
pub(crate) fn text_in<T: Copy>(expr: &Expr, what: &str, words: &[(&str, T)]) -> syn::Result<T> {
    let all = words
        .iter()
        .map(|(word, _)| format!("\"{word}\""))
        .collect::<Vec<_>>()
        .join(", ");
    let text = text(expr, &all)?;
    let value = text.value();
    let found = words.iter().find(|(word, _)| *word == value);
    found.map(|(_, word)| *word).ok_or_else(|| {
        syn::Error::new(
            text.span(),
            format!("no {what} is called \"{value}\": there are {all}"),
        )
    })
}
