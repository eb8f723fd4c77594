//! `#[on_confirm]` and `#[on_return]`, as the template calls them.

use std::fmt::Display;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::component::Components;
use crate::handler::{Callback, CallbackErrors, CallbackInvoke};
use crate::registry::Selection;
use crate::template::{Callbacks, as_callback};

/// Takes the callbacks out of the selection.
pub(super) fn callbacks(selection: &mut Selection, components: &Components) -> Callbacks {
    Callbacks {
        on_confirm: selection
            .on_confirm
            .take()
            .map(|(descriptor, callback)| call(descriptor.function, callback, components)),
        on_return: selection
            .on_return
            .take()
            .map(|(descriptor, callback)| call(descriptor.function, callback, components)),
    }
}

fn call<M: Send + 'static>(
    function: &'static str,
    callback: Callback<M>,
    components: &Components,
) -> Arc<dyn Fn(M) -> BoxFuture<'static, ()> + Send + Sync> {
    let components = components.clone();
    let errors = CallbackErrors {
        function,
        report: failed,
    };
    match callback.invoke {
        CallbackInvoke::Async(invoke) => {
            Arc::new(move |message| invoke(message, components.clone(), errors))
        }
        // A plain function may block: it gets a thread that may.
        CallbackInvoke::Blocking(invoke) => {
            let invoke = Arc::new(invoke);
            Arc::new(move |message| {
                let (invoke, components) = (Arc::clone(&invoke), components.clone());
                let done = tokio::task::spawn_blocking(move || {
                    as_callback(|| invoke(message, components, errors));
                });
                Box::pin(async move {
                    if let Err(panic) = done.await {
                        failed(function, &panic);
                    }
                })
            })
        }
    }
}

fn failed(function: &'static str, error: &dyn Display) {
    tracing::error!(function, %error, "a callback failed; the fate of its message is not changed by that");
}
