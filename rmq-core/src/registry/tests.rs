use std::sync::Arc;

use super::*;
use crate::component::Components;
use crate::error::Faults;
use crate::handler::{State, arguments, asynchronous, blocking, outcome};
use crate::handler::{asynchronous_callback, callback_argument, callback_result, with_message};
use crate::message::Confirm;
use crate::topology::DeadLetter;

struct Shop;
struct Audit;

const fn source(line: u32) -> Source {
    Source::new("shop::orders", "src/orders.rs", line, 1)
}

static SHOP: ConfigurationDescriptor =
    ConfigurationDescriptor::new::<Shop>("Shop", source(1)).expect_listeners(&["on_order"]);
static AUDIT: ConfigurationDescriptor = ConfigurationDescriptor::new::<Audit>("Audit", source(2));

const LISTENER: ListenerDescriptor = ListenerDescriptor::new("on_order", source(10), || {
    asynchronous(arguments(), outcome::<()>(), |()| async {})
});
static FREE: ListenerDescriptor = LISTENER.queues(&["orders"]);
static OF_SHOP: ListenerDescriptor = LISTENER.owner(owner_of_method::<Shop>());
static OF_AUDIT: ListenerDescriptor = LISTENER.owner(owner_of_method::<Audit>());
static TWIN: ListenerDescriptor = ListenerDescriptor::new("other", source(20), || {
    blocking(arguments(), outcome::<()>(), |()| ())
})
.id("on_order")
.owner(owner_of_method::<Shop>());

const CALLBACK: CallbackDescriptor =
    CallbackDescriptor::on_confirm("confirmed", source(30), || {
        asynchronous_callback(
            with_message(arguments().then(callback_argument::<Confirm, Confirm, _>("confirm"))),
            callback_result::<()>(),
            |((), _)| async {},
        )
    });
static CONFIRMED: CallbackDescriptor = CALLBACK;
static CONFIRMED_AGAIN: CallbackDescriptor = CALLBACK;

fn registry(
    configurations: &[&'static ConfigurationDescriptor],
    listeners: &[&'static ListenerDescriptor],
    callbacks: &[&'static CallbackDescriptor],
) -> Registry {
    Registry {
        configurations: configurations.to_vec(),
        listeners: listeners.to_vec(),
        callbacks: callbacks.to_vec(),
        ..Registry::default()
    }
}

fn select(
    registry: &Registry,
    configuration: &ConfigurationDescriptor,
    only: Option<&Registrations>,
) -> Result<Selection, Faults> {
    let mut faults = Faults::new();
    let selection = registry.select(configuration, only, &mut faults);
    faults.into_result(selection)
}

async fn build(
    descriptors: &[&'static ComponentDescriptor],
    components: Components,
) -> Result<Components, Faults> {
    let mut faults = Faults::new();
    let components = build_components(descriptors, components, &mut faults).await;
    faults.into_result(components)
}

fn faults(result: Result<Selection, Faults>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_free_function_belongs_to_the_only_configuration() {
    let selection = select(&registry(&[&SHOP], &[&FREE], &[&CONFIRMED]), &SHOP, None).unwrap();
    assert_eq!(selection.listeners.len(), 1);
    assert!(selection.on_confirm.is_some());
    assert_eq!(
        selection
            .listeners_by_crate()
            .into_iter()
            .collect::<Vec<_>>(),
        [("shop", 1)]
    );
}

#[test]
fn among_several_configurations_a_free_function_has_to_say_which() {
    let registry = registry(&[&AUDIT, &SHOP], &[&FREE, &OF_SHOP], &[&CONFIRMED]);
    let told = faults(select(&registry, &SHOP, None));
    assert!(
        told.contains("src/orders.rs:10:1: `on_order` belongs to no configuration"),
        "{told}"
    );
    assert!(told.contains("src/orders.rs:30:1: `confirmed`"), "{told}");
    assert!(
        told.contains("`Audit`, `Shop`") && told.contains("config = Audit"),
        "{told}"
    );
}

#[test]
fn what_belongs_to_another_configuration_is_not_seen() {
    let registry = registry(&[&AUDIT, &SHOP], &[&OF_SHOP, &OF_AUDIT], &[]);
    let selection = select(&registry, &SHOP, None).unwrap();
    assert_eq!(selection.listeners.len(), 1);
    assert_eq!(selection.listeners[0].descriptor.owner, Some(SHOP.owner));
}

#[test]
fn two_listeners_of_one_id_are_a_fault_that_names_both_places() {
    let told = faults(select(
        &registry(&[&SHOP], &[&OF_SHOP, &TWIN], &[]),
        &SHOP,
        None,
    ));
    assert!(
        told.contains("src/orders.rs:20:1") && told.contains("src/orders.rs:10:1"),
        "{told}"
    );
    assert!(told.contains("id = \"...\""), "{told}");
}

#[test]
fn two_callbacks_of_one_kind_are_a_fault() {
    let registry = registry(&[&SHOP], &[&OF_SHOP], &[&CONFIRMED, &CONFIRMED_AGAIN]);
    let told = faults(select(&registry, &SHOP, None));
    assert!(told.contains("a second `#[on_confirm]`"), "{told}");
}

#[test]
fn an_expected_listener_that_is_not_linked_is_a_fault() {
    let told = faults(select(&registry(&[&SHOP], &[], &[]), &SHOP, None));
    assert!(
        told.contains("names `on_order`") && told.contains("use that_crate as _;"),
        "{told}"
    );
}

#[test]
fn what_is_named_outright_is_all_there_is() {
    let registry = registry(&[&AUDIT, &SHOP], &[&FREE, &OF_SHOP], &[&CONFIRMED]);
    let only = Registrations::new().with(&TWIN);
    let selection = select(&registry, &SHOP, Some(&only)).unwrap();
    assert_eq!(selection.listeners.len(), 1);
    assert_eq!(selection.listeners[0].descriptor.function, "other");
    assert!(selection.on_confirm.is_none());
}

#[test]
fn a_listeners_bindings_carry_its_dead_letter_route_and_place() {
    static BOUND: ListenerDescriptor = LISTENER
        .bindings(&[ListenerBinding::new("orders", "shop")
            .queue_type("classic")
            .exchange_type("topic")
            .routing_keys(&["order.#"])])
        .options(ListenerOptions::new().dead_letter("none"));
    let declarables = BOUND.declarables();
    let expected = crate::topology::Queue::classic("orders").dead_letter(DeadLetter::None);
    assert_eq!(declarables.queues(), [expected]);
    assert_eq!(declarables.queues()[0].place(), &source(10).place());
    assert_eq!(BOUND.queue_names(), ["orders"]);
}

fn factory_of<T: Send + Sync + 'static>(build: fn() -> Result<T, String>) -> ComponentFactory {
    blocking_component(arguments(), fallible::<Result<T, String>>(), move |()| {
        build()
    })
}

static NUMBER: ComponentDescriptor =
    ComponentDescriptor::new("number", source(40), owner_of_method::<Shop>(), || {
        factory_of(|| Ok(4_u64))
    });
static TEXT: ComponentDescriptor =
    ComponentDescriptor::new("text", source(41), owner_of_method::<Shop>(), || {
        asynchronous_component(
            arguments().then(component_argument::<State<u64>>("number")),
            infallible::<String>(),
            |((), number)| async move { format!("number {}", *number) },
        )
    });
static BROKEN: ComponentDescriptor =
    ComponentDescriptor::new("broken", source(42), owner_of_method::<Shop>(), || {
        factory_of(|| Err::<u8, _>("no database".to_owned()))
    });

#[tokio::test]
async fn components_are_built_in_the_order_of_their_needs() {
    let components = build(&[&TEXT, &NUMBER], Components::new()).await.unwrap();
    assert_eq!(*components.get::<String>().unwrap(), "number 4");
}

#[tokio::test]
async fn a_component_that_fails_is_a_fault_with_its_place_and_cause() {
    let faults = build(&[&BROKEN, &NUMBER], Components::new())
        .await
        .unwrap_err();
    assert_eq!(
        faults.to_string(),
        "  src/orders.rs:42:1: component `broken` failed: no database"
    );
}

#[tokio::test]
async fn a_component_without_what_it_needs_is_a_fault() {
    let told = build(&[&TEXT], Components::new())
        .await
        .unwrap_err()
        .to_string();
    assert!(told.contains("component `text` needs `u64`"), "{told}");
}

#[tokio::test]
async fn a_component_that_is_there_already_is_a_fault() {
    let mut components = Components::new();
    components.insert(Arc::new(1_u64));
    let told = build(&[&NUMBER], components).await.unwrap_err().to_string();
    assert!(told.contains("there is one already"), "{told}");
}
