use darling::FromMeta;
use syn::Expr;

use crate::attribute::{
    Count, Flag, Given, Identifier, Keyed, Name, Names, Nested, Value, text_in,
};

/// What stands between the brackets of `#[rabbit_config]` on a struct.
#[derive(FromMeta)]
pub(super) struct ConfigAttribute {
    pub(super) file: Option<Given<Name>>,
    pub(super) converter: Option<Given<Any>>,
    pub(super) executor: Option<Nested<Executor>>,
    pub(super) name: Option<Given<Identifier>>,
    pub(super) expect_listeners: Option<Given<Names>>,
}

impl Keyed for ConfigAttribute {
    const OF: &'static str = "`#[rabbit_config]`";
    const KEYS: &'static [&'static str] =
        &["file", "converter", "executor", "name", "expect_listeners"];
    const EXAMPLE: &'static str = "`#[rabbit_config(file = \"rabbit.yml\")]`";
}

/// What stands between the brackets of `executor`.
#[derive(FromMeta)]
pub(super) struct Executor {
    pub(super) core_size: Option<Given<Count<65_535>>>,
    pub(super) max_size: Option<Given<Count<65_535>>>,
    pub(super) queue_capacity: Option<Given<Count<{ u32::MAX }>>>,
    pub(super) thread_name_prefix: Option<Given<Name>>,
    pub(super) rejection_policy: Option<Given<Policy>>,
    pub(super) await_termination: Option<Given<Flag>>,
}

impl Keyed for Executor {
    const OF: &'static str = "`executor`";
    const KEYS: &'static [&'static str] = &[
        "core_size",
        "max_size",
        "queue_capacity",
        "thread_name_prefix",
        "rejection_policy",
        "await_termination",
    ];
    const EXAMPLE: &'static str = "`executor(core_size = 16, max_size = 16)`";
}

/// `rejection_policy`
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy(pub(super) &'static str);

impl Value for Policy {
    const EXAMPLE: &'static str = "\"caller-runs\"";

    fn read(expr: &Expr) -> syn::Result<Self> {
        let policies = ["caller-runs", "abort"].map(|policy| (policy, policy));
        text_in(expr, "rejection policy", &policies).map(Self)
    }
}

/// Any expression.
#[derive(Clone)]
pub(super) struct Any(pub(super) Expr);

impl Value for Any {
    const EXAMPLE: &'static str = "JsonConverter";

    fn read(expr: &Expr) -> syn::Result<Self> {
        match expr {
            Expr::Lit(_) => Err(syn::Error::new_spanned(
                expr,
                "a converter is wanted here: write the value itself, like `converter = JsonConverter`",
            )),
            _ => Ok(Self(expr.clone())),
        }
    }
}
