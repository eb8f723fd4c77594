//! What cannot stand in a signature, each with its mend.

use quote::ToTokens as _;
use syn::spanned::Spanned as _;
use syn::visit_mut::VisitMut;
use syn::{
    FnArg, GenericParam, Lifetime, Receiver, ReceiverKind, ReturnType, Safety, Signature, Type,
    TypeReference,
};

use super::{Home, Role};
use crate::diagnostics::Diagnostics;

pub(super) fn signature(signature: &Signature, role: Role, home: Home, wrong: &mut Diagnostics) {
    generics(signature, role, wrong);
    kind(signature, role, wrong);
    output(&signature.output, role, wrong);
    if let Some(FnArg::Receiver(receiver)) = signature.inputs.first() {
        match home {
            Home::Free => wrong.on(receiver, format!(
                "this method's `#[{0}]` was not seen by a `#[rabbit_config]` on the `impl` block: put `#[rabbit_config]` there, and write `#[{0}]` by its own name, not by an alias",
                role.attribute
            )),
            Home::Configuration => self::receiver(receiver, wrong),
        }
    }
}

/// `fn on_order<T>(order: T)`
fn generics(signature: &Signature, role: Role, wrong: &mut Diagnostics) {
    let Some(parameter) = signature.generics.params.first() else {
        return;
    };
    let message = match parameter {
        GenericParam::Lifetime(_) => format!(
            "{} borrows nothing: it owns its arguments, so drop the lifetime",
            role.noun
        ),
        _ => format!(
            "a `#[{}]` function cannot be generic: it is registered once, by name; write one function for each concrete type",
            role.attribute
        ),
    };
    wrong.on(parameter, message);
}

/// `unsafe fn`, `extern "C" fn`, `fn f(x: u8, ...)`
fn kind(signature: &Signature, role: Role, wrong: &mut Diagnostics) {
    if matches!(signature.safety, Safety::Unsafe(_)) {
        wrong.on(
            &signature.safety,
            format!("{} is called by safe code: drop the `unsafe`", role.noun),
        );
    }
    if let Some(abi) = &signature.abi {
        wrong.on(
            abi,
            format!("{} is a Rust function: drop the `extern`", role.noun),
        );
    }
    if let Some(variadic) = &signature.variadic {
        wrong.on(
            variadic,
            format!("{} takes a fixed list of arguments", role.noun),
        );
    }
}

/// `-> impl Future<Output = ()>`, `-> !`
fn output(output: &ReturnType, role: Role, wrong: &mut Diagnostics) {
    let ReturnType::Type(_, output) = output else {
        return;
    };
    match &**output {
        Type::ImplTrait(hidden) => {
            let future = hidden.to_token_stream().to_string().contains("Future");
            let mend = if future {
                "write `async fn` and name the type it ends with"
            } else {
                "name the type"
            };
            wrong.on(
                output,
                format!("the result of {} needs a name: {mend}", role.noun),
            );
        }
        Type::Never(_) => wrong.on(
            output,
            format!("{} has to come back: return `()` or a `Result`", role.noun),
        ),
        _ => {}
    }
}

/// `self`, `mut self`, `&mut self`, `self: Arc<Self>`, `&'a self`
fn receiver(receiver: &Receiver, wrong: &mut Diagnostics) {
    match &receiver.kind {
        ReceiverKind::Reference(_, None, None) => {}
        ReceiverKind::Reference(_, None, Some(_)) => wrong.on(receiver, "messages are handled at the same time by several consumers: take `&self`, and keep what changes in a Mutex or atomic"),
        ReceiverKind::Reference(_, Some(lifetime), _) => wrong.on(lifetime, "drop the lifetime: take `&self`"),
        _ => wrong.on(receiver, "the configuration is shared by all its listeners: take `&self`"),
    }
}

/// `&Order`, `Cow<'a, str>`, `impl Trait`
pub(super) fn argument_type(ty: &Type, role: Role, wrong: &mut Diagnostics) {
    match ty {
        Type::Reference(reference) => {
            let owned = owned(reference);
            wrong.on(
                ty,
                format!("{} argument owns its data: write `{owned}`", role.noun),
            );
        }
        Type::ImplTrait(_) => wrong.on(
            ty,
            format!(
                "a `#[{}]` function cannot be generic: name the type of this argument",
                role.attribute
            ),
        ),
        Type::Group(group) => argument_type(&group.elem, role, wrong),
        _ => {
            let mut lifetimes = Lifetimes(None);
            lifetimes.visit_type_mut(&mut ty.clone());
            if let Some(lifetime) = lifetimes.0 {
                wrong.at(
                    lifetime.span(),
                    format!(
                        "{} argument owns its data: take a type without a lifetime",
                        role.noun
                    ),
                );
            }
        }
    }
}

/// The owned form of what a reference points to.
fn owned(reference: &TypeReference) -> String {
    match &*reference.elem {
        Type::Slice(slice) => format!("Vec<{}>", plain(&slice.elem)),
        other => match &*plain(other) {
            "str" => "String".to_owned(),
            name => name.to_owned(),
        },
    }
}

fn plain(ty: &Type) -> String {
    let tokens = ty.to_token_stream().to_string();
    tokens
        .replace(" :: ", "::")
        .replace(" < ", "<")
        .replace(" >", ">")
}

/// The first lifetime in a type that is not `'static`.
struct Lifetimes(Option<Lifetime>);

impl VisitMut for Lifetimes {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if self.0.is_none() && lifetime.ident != "static" {
            self.0 = Some(lifetime.clone());
        }
    }

    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        let is_static = reference
            .lifetime
            .as_ref()
            .is_some_and(|l| l.ident == "static");
        if self.0.is_none() && !is_static {
            self.0 = Some(Lifetime::new("'_", reference.and_token.span()));
        }
    }
}
