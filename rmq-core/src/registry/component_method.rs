use std::any::{Any, type_name};
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::component::{ComponentType, Components};
use crate::error::BoxError;
use crate::handler::{
    Argument, ArgumentFacts, ArgumentKind, ArgumentList, Arguments, ComponentSource, Rejection,
    State, ViaExtractor,
};

/// A component that is being built, or the method's error.
pub type ComponentFuture = BoxFuture<'static, Result<Arc<dyn Any + Send + Sync>, BoxError>>;

/// A call of a `#[component]` method: it has the components built before it.
#[derive(Debug)]
pub struct ComponentContext(Components);

impl ComponentSource for ComponentContext {
    fn components(&self) -> &Components {
        &self.0
    }
}

/// What a `#[component]` method can take beside `&self`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a `#[component]` method",
    label = "not a component",
    note = "beside `&self` it takes other components: `State<T>` with `T: Send + Sync`"
)]
pub trait FromComponents: Sized {
    /// Takes it.
    ///
    /// # Errors
    /// When there is no such component.
    fn from_components(
        argument: &'static str,
        context: &ComponentContext,
    ) -> Result<Self, Rejection>;

    /// What it is.
    fn kind() -> ArgumentKind;
}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> FromComponents for State<T> {
    fn from_components(
        argument: &'static str,
        context: &ComponentContext,
    ) -> Result<Self, Rejection> {
        State::from_source(argument, context)
    }

    fn kind() -> ArgumentKind {
        ArgumentKind::Component(ComponentType::of::<T>())
    }
}

/// An argument of a `#[component]` method.
#[must_use]
pub const fn component_argument<T: FromComponents>(
    name: &'static str,
) -> Argument<T, ViaExtractor, ComponentContext> {
    Argument::new(
        name,
        "",
        |argument, context| T::from_components(argument.name(), context),
        |_| T::kind(),
    )
}

/// How a result of type `R` becomes a component of type `T`. It has no bound on purpose: one mistake, one error.
pub struct ComponentResults<R, T>(fn(R) -> Result<T, BoxError>);

impl<R, T> fmt::Debug for ComponentResults<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ComponentResults<{}>", type_name::<R>())
    }
}

/// The result is the component.
#[must_use]
pub const fn infallible<T: Send + Sync + 'static>() -> ComponentResults<T, T> {
    ComponentResults(Ok)
}

/// A `Result` with a component in it.
pub trait FallibleComponent {
    /// The component's type.
    type Component: Send + Sync + 'static;

    /// The component, or the error, which the start reports.
    ///
    /// # Errors
    /// The method's own.
    fn into_component(self) -> Result<Self::Component, BoxError>;
}

impl<T: Send + Sync + 'static, E: Into<BoxError>> FallibleComponent for Result<T, E> {
    type Component = T;

    fn into_component(self) -> Result<T, BoxError> {
        self.map_err(Into::into)
    }
}

/// The result holds the component or an error.
#[must_use]
pub const fn fallible<R: FallibleComponent>() -> ComponentResults<R, R::Component> {
    ComponentResults(R::into_component)
}

/// A `#[component]` method, ready to be called.
pub struct ComponentFactory {
    /// The type it builds.
    pub produces: ComponentType,
    /// What it needs: the configuration, and other components.
    pub arguments: Vec<ArgumentFacts>,
    /// Builds it. May panic where the user's code does.
    pub build: Box<dyn Fn(Components) -> ComponentFuture + Send + Sync>,
}

impl fmt::Debug for ComponentFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComponentFactory")
            .field("produces", &self.produces)
            .field("arguments", &self.arguments)
            .finish_non_exhaustive()
    }
}

/// A component of an `async fn`.
pub fn asynchronous_component<S, L, R, T, F, Fut>(
    arguments: Arguments<S, L>,
    results: ComponentResults<R, T>,
    call: F,
) -> ComponentFactory
where
    L: ArgumentList<ComponentContext> + Send + Sync + 'static,
    R: 'static,
    T: Send + Sync + 'static,
    F: Fn(L::Values) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = R> + Send + 'static,
{
    let list = arguments.into_list();
    ComponentFactory {
        produces: ComponentType::of::<T>(),
        arguments: list.facts(),
        build: Box::new(move |components| {
            let running = list.extract(&ComponentContext(components)).map(&call);
            let into = results.0;
            Box::pin(async move { Ok(Arc::new(into(running?.await)?) as _) })
        }),
    }
}

/// A component of a plain `fn`. It runs at start, on the starting task.
pub fn blocking_component<S, L, R, T, F>(
    arguments: Arguments<S, L>,
    results: ComponentResults<R, T>,
    call: F,
) -> ComponentFactory
where
    L: ArgumentList<ComponentContext> + Send + Sync + 'static,
    R: 'static,
    T: Send + Sync + 'static,
    F: Fn(L::Values) -> R + Send + Sync + 'static,
{
    let list = arguments.into_list();
    ComponentFactory {
        produces: ComponentType::of::<T>(),
        arguments: list.facts(),
        build: Box::new(move |components| {
            let values = list.extract(&ComponentContext(components));
            let built = values
                .map_err(BoxError::from)
                .and_then(|values| (results.0)(call(values)));
            Box::pin(async move { Ok(Arc::new(built?) as _) })
        }),
    }
}
