//! Methods of a configuration with fields, and a second configuration beside it.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering};

use rmq_core::prelude::*;

#[rabbit_config(file = "shop.yml")]
pub struct Shop {
    prefix: String,
    handled: AtomicU64,
}

pub struct Names(String);

#[rabbit_config]
impl Shop {
    #[rabbit_listener(queue = "shop.orders")]
    pub async fn on_order(&self, order: String, names: State<Names>) -> Result<(), Fatal> {
        drop((order, names));
        self.handled.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    #[rabbit_listener(queue = "shop.plain")]
    fn plain(&self, _order: String) -> Acknowledgement {
        self.handled.fetch_add(1, Ordering::Relaxed);
        Acknowledgement::Ack
    }

    #[rabbit_listener(queue = "shop.static")]
    async fn without_self(order: String) {
        drop(order);
    }

    #[cfg(any())]
    #[rabbit_listener(queue = "shop.gone")]
    fn gone(&self, order: Missing) {}

    #[rmq_core::on_confirm]
    fn confirmed(&self, confirm: Confirm) {
        drop(confirm);
    }

    #[on_return]
    async fn returned(&self, message: ReturnedMessage) {
        drop(message);
    }

    #[component]
    async fn names(&self, length: State<usize>) -> Result<Names, std::io::Error> {
        Ok(Names(self.prefix.repeat(*length)))
    }

    #[component]
    fn length(&self) -> usize {
        3
    }

    #[declarables]
    fn topology(&self) -> Declarables {
        Declarables::new().with(Queue::quorum(format!("{}.orders", self.prefix)))
    }

    #[declarables]
    fn audit() -> Queue {
        Queue::classic("audit")
    }

    fn helper(&self) -> u64 {
        self.handled.load(Ordering::Relaxed)
    }
}

#[rabbit_config]
struct Other;

#[rabbit_config]
impl Other {
    #[rabbit_listener(queue = "other.orders")]
    fn on_order(&self, order: String) {
        drop(order);
    }
}

mod tests {
    use std::sync::Arc;

    use rmq_core::component::Components;
    use rmq_core::error::Faults;
    use rmq_core::handler::{HandlerContext, HandlerScope, Invoke, Outcome};
    use rmq_core::listeners;
    use rmq_core::message::{Delivery, Message};
    use rmq_core::prelude::*;
    use rmq_core::registry::{RabbitConfiguration as _, Registry, Selection, build_components};

    use super::{AtomicU64, Names, Other, Shop};

    /// What was made, without a fault.
    fn whole<T>(make: impl FnOnce(&mut Faults) -> T) -> T {
        let mut faults = Faults::new();
        let made = make(&mut faults);
        faults.into_result(made).unwrap()
    }

    fn selection() -> Selection {
        whole(|faults| Registry::collect().select(&Shop::DESCRIPTOR, None, faults))
    }

    fn with_shop() -> Components {
        let mut components = Components::new();
        let shop = Shop {
            prefix: "ab".into(),
            handled: AtomicU64::new(0),
        };
        assert!(components.insert(Arc::new(shop)));
        components
    }

    fn context(components: Components, body: &'static str) -> HandlerContext {
        let scope = HandlerScope {
            listener: "test".try_into().unwrap(),
            queue: "test".try_into().unwrap(),
            components,
            converter: Arc::new(JsonConverter),
        };
        let delivery = Delivery::of(Message::new(body), "", "test");
        HandlerContext::new(delivery, Arc::new(scope))
    }

    #[test]
    fn two_configurations_do_not_see_each_other() {
        let ids = |selection: Selection| -> Vec<_> {
            selection
                .listeners
                .iter()
                .map(|l| (l.descriptor.id, l.descriptor.queues))
                .collect()
        };
        assert_eq!(
            ids(selection()),
            [
                ("on_order", &["shop.orders"][..]),
                ("plain", &["shop.plain"]),
                ("without_self", &["shop.static"])
            ]
        );
        let other = whole(|faults| Registry::collect().select(&Other::DESCRIPTOR, None, faults));
        assert!(other.on_confirm.is_none() && other.components.is_empty());
        assert_eq!(ids(other), [("on_order", &["other.orders"][..])]);
    }

    #[test]
    fn a_test_gets_only_the_listeners_and_callbacks_it_names() {
        let only = listeners![
            Shop::plain,
            super::super::functions::on_order,
            Shop::returned
        ];
        let chosen =
            whole(|faults| Registry::collect().select(&Other::DESCRIPTOR, Some(&only), faults));
        let ids: Vec<_> = chosen.listeners.iter().map(|l| l.descriptor.id).collect();
        assert_eq!(ids, ["on_order", "plain"]);
        assert!(chosen.on_confirm.is_none() && chosen.on_return.is_some());
    }

    #[tokio::test]
    async fn components_are_built_after_those_they_need() {
        let mut faults = Faults::new();
        let components = build_components(&selection().components, with_shop(), &mut faults).await;
        assert!(faults.is_empty(), "{faults}");
        assert_eq!(components.get::<Names>().unwrap().0, "ababab");
    }

    #[test]
    fn a_missing_component_is_a_fault_at_its_listener_with_the_line_to_add() {
        let mut selection = selection();
        let promised = selection.missing_components(&with_shop());
        assert!(promised.is_empty(), "a method builds it: {promised}");
        selection.components.clear();
        let faults = selection.missing_components(&with_shop());
        let told = faults.to_string();
        assert_eq!(faults.len(), 1, "{told}");
        assert!(
            told.contains("methods.rs:") && told.contains("`on_order`"),
            "{told}"
        );
        assert!(
            told.contains("Names") && told.contains(".state(value)"),
            "{told}"
        );
    }

    #[test]
    fn declarables_of_methods_are_gathered() {
        let components = with_shop();
        let selection = selection();
        let mut queues: Vec<_> = selection
            .declarables
            .iter()
            .flat_map(|declarables| {
                (declarables.declare)(&components)
                    .unwrap()
                    .queues()
                    .to_vec()
            })
            .map(|queue| queue.name().to_owned())
            .collect();
        queues.sort();
        assert_eq!(queues, ["ab.orders", "audit"]);
    }

    #[tokio::test]
    async fn methods_are_called_on_the_configuration() {
        let mut components = with_shop();
        components.insert(Arc::new(Names("x".into())));
        let shop = components.get::<Shop>().unwrap();
        let context = context(components, "\"an order\"");
        for listener in selection().listeners {
            let outcome = match listener.handler.invoke {
                Invoke::Async(call) => call(&context).unwrap().await,
                Invoke::Blocking(call) => call(&context).unwrap(),
            };
            assert!(matches!(outcome, Outcome::Settled(Acknowledgement::Ack)));
        }
        assert_eq!(shop.helper(), 2);
    }

    #[test]
    fn a_configuration_with_fields_is_built_from_its_value() {
        let shop = Shop {
            prefix: String::new(),
            handled: AtomicU64::new(0),
        };
        let _builder = shop.builder().only(listeners![]);
        let _builder = Other::builder();
    }
}
