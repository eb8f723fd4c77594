//! Finds what a source file names outside its own module, wherever it stands: in a `use`, in code, in a macro.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Item;

/// One name from elsewhere, and where it stands.
#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) target: Target,
    pub(crate) line: usize,
}

/// What an import leads to.
#[derive(Debug)]
pub(crate) enum Target {
    /// The first name below the root of this crate; `*` for all of them.
    Own(String),
    /// Possibly another crate: the first name of a path.
    Crate(String),
}

/// The imports of a file whose module path is `place`.
pub(crate) fn imports(source: &str, place: &[String]) -> Vec<Import> {
    let file = syn::parse_file(source).unwrap_or_else(|error| panic!("{place:?}: {error}"));
    let mut found = Vec::new();
    walk(&file.items, place, &mut found);
    found
}

fn walk(items: &[Item], place: &[String], found: &mut Vec<Import>) {
    for item in items {
        if let Item::Mod(module) = item
            && let Some((_, inner)) = &module.content
        {
            let mut deeper = place.to_vec();
            deeper.push(module.ident.to_string());
            walk(inner, &deeper, found);
        } else {
            scan(item.to_token_stream(), place, found);
        }
    }
}

/// Looks at every path of a stream of tokens, those inside groups included.
fn scan(tokens: TokenStream, place: &[String], found: &mut Vec<Import>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Group(group) => scan(group.stream(), place, found),
            TokenTree::Ident(ident) if !continues_a_path(&tokens, at) => {
                at = path(&tokens, at, ident, place, found);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
}

/// Reads the path that begins at `at` and tells where to go on.
fn path(
    tokens: &[TokenTree],
    at: usize,
    first: &Ident,
    place: &[String],
    found: &mut Vec<Import>,
) -> usize {
    let line = first.span().start().line;
    let mut after = at + 1;
    let mut module: Vec<String> = match first.to_string().as_str() {
        "crate" => Vec::new(),
        "super" => parent(place),
        name => {
            let is_path = is_separator(tokens, after) || is_imported(tokens, at);
            if is_path {
                found.push(Import {
                    target: Target::Crate(name.to_owned()),
                    line,
                });
            }
            return after;
        }
    };
    while is_separator(tokens, after) {
        after += 2;
        match tokens.get(after) {
            Some(TokenTree::Ident(ident)) if ident == "super" => module = parent(&module),
            Some(TokenTree::Ident(ident)) if ident == "self" => {}
            other => {
                if module.is_empty() {
                    below_the_root(other, line, found);
                }
                // A group is left for the scan: it may hold paths of its own.
                break;
            }
        }
        after += 1;
    }
    after
}

/// What follows `crate::`: a name, all names, or a list of paths.
fn below_the_root(next: Option<&TokenTree>, line: usize, found: &mut Vec<Import>) {
    match next {
        Some(TokenTree::Ident(name)) => {
            found.push(Import {
                target: Target::Own(name.to_string()),
                line,
            });
        }
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
            let mut starts = true;
            for token in group.stream() {
                match token {
                    TokenTree::Ident(name) if starts => {
                        let line = name.span().start().line;
                        found.push(Import {
                            target: Target::Own(name.to_string()),
                            line,
                        });
                        starts = false;
                    }
                    TokenTree::Punct(punct) => starts = punct.as_char() == ',',
                    _ => {}
                }
            }
        }
        Some(TokenTree::Punct(punct)) if punct.as_char() == '*' => {
            found.push(Import {
                target: Target::Own("*".to_owned()),
                line,
            });
        }
        _ => {}
    }
}

fn parent(place: &[String]) -> Vec<String> {
    place
        .split_last()
        .map(|(_, above)| above.to_vec())
        .unwrap_or_default()
}

fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    let colon =
        |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.as_char() == ':');
    colon(at) && colon(at + 1)
}

/// Whether the name at `at` stands behind `name::`; behind a bare `::` a path begins.
fn continues_a_path(tokens: &[TokenTree], at: usize) -> bool {
    at >= 3
        && is_separator(tokens, at - 2)
        && matches!(tokens[at - 3], TokenTree::Ident(_))
        && !is_imported(tokens, at)
}

/// `use name` and `use ::name`, `extern crate name`.
fn is_imported(tokens: &[TokenTree], at: usize) -> bool {
    let keyword = |at: Option<usize>| matches!(at.and_then(|at| tokens.get(at)), Some(TokenTree::Ident(i)) if i == "use" || i == "crate");
    let bare = at >= 2 && is_separator(tokens, at - 2);
    keyword(at.checked_sub(1))
        || (bare && at >= 3 && matches!(&tokens[at - 3], TokenTree::Ident(i) if i == "use"))
}
