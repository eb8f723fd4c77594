use syn::spanned::Spanned as _;
use syn::{Expr, ExprUnary, Lit, UnOp};

use super::Value;
use super::literal::literal;

/// A whole number from 1 to `MAX`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Count<const MAX: u32>(pub(crate) u32);

impl<const MAX: u32> Value for Count<MAX> {
    const EXAMPLE: &'static str = "10";

    fn read(expr: &Expr) -> syn::Result<Self> {
        let number = match literal(expr) {
            Some(Lit::Int(number)) => number.base10_parse::<u32>().ok(),
            _ => None,
        };
        match number {
            Some(number) if (1..=MAX).contains(&number) => Ok(Self(number)),
            _ => {
                let message = format!("a whole number from 1 to {MAX} is wanted here, like 10");
                Err(syn::Error::new(expr.span(), message))
            }
        }
    }
}

/// A whole number with a sign.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number(pub(crate) i32);

impl Value for Number {
    const EXAMPLE: &'static str = "10";

    fn read(expr: &Expr) -> syn::Result<Self> {
        let (minus, inner) = match expr {
            Expr::Unary(ExprUnary {
                op: UnOp::Neg(_),
                expr,
                ..
            }) => ("-", &**expr),
            other => ("", other),
        };
        let number = match literal(inner) {
            Some(Lit::Int(number)) => format!("{minus}{}", number.base10_digits()).parse().ok(),
            _ => None,
        };
        number.map(Self).ok_or_else(|| {
            syn::Error::new(expr.span(), "a whole number is wanted here, like 10 or -1")
        })
    }
}

/// `true` or `false`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flag(pub(crate) bool);

impl Value for Flag {
    const EXAMPLE: &'static str = "true";

    fn read(expr: &Expr) -> syn::Result<Self> {
        match literal(expr) {
            Some(Lit::Bool(flag)) => Ok(Self(flag.value)),
            _ => Err(syn::Error::new(
                expr.span(),
                "`true` or `false` is wanted here, without quotes",
            )),
        }
    }
}

/// How many consumers: `4`, `"4"` or `"2-8"`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) min: u16,
    pub(crate) max: u16,
}

impl Value for Range {
    const EXAMPLE: &'static str = "\"2-8\"";

    fn read(expr: &Expr) -> syn::Result<Self> {
        let said = match literal(expr) {
            Some(Lit::Int(number)) => number.base10_digits().to_owned(),
            Some(Lit::Str(text)) => text.value(),
            _ => String::new(),
        };
        let (min, max) = said.split_once('-').unwrap_or((&said, &said));
        let number = |text: &str| text.trim().parse::<u16>().ok().filter(|number| *number > 0);
        let (Some(min), Some(max)) = (number(min), number(max)) else {
            let message = "how many consumers there are, from 1: write `\"4\"`, or `\"2-8\"` for at least 2 and at most 8";
            return Err(syn::Error::new(expr.span(), message));
        };
        if min > max {
            let message = format!(
                "at least {min} and at most {max}: write the smaller first, `\"{max}-{min}\"`"
            );
            return Err(syn::Error::new(expr.span(), message));
        }
        Ok(Self { min, max })
    }
}

/// A time in milliseconds: `"500ms"`, `"2s"`, `"1m"`, or a plain number of milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interval(pub(crate) u64);

impl Value for Interval {
    const EXAMPLE: &'static str = "\"500ms\"";

    fn read(expr: &Expr) -> syn::Result<Self> {
        let milliseconds = match literal(expr) {
            Some(Lit::Int(number)) => number.base10_parse().ok(),
            Some(Lit::Str(text)) => interval(text.value().trim()),
            _ => None,
        };
        milliseconds.filter(|ms| *ms > 0).map(Self).ok_or_else(|| {
            let message = "a time above zero is wanted here, like \"500ms\", \"2s\", \"1m\", or a plain number of milliseconds";
            syn::Error::new(expr.span(), message)
        })
    }
}

fn interval(text: &str) -> Option<u64> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim() {
        "ms" | "" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}
