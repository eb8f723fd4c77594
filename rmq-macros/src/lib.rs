//! The attributes and derives of rmq-core. Depend on `rmq-core`, which re-exports them.

mod attribute;
mod callback;
mod config;
mod diagnostics;
mod expand;
mod function;
mod list;
mod listener;
mod marks;
mod message;
mod method;
mod signature;

use proc_macro::TokenStream;

use crate::diagnostics::tell;
use crate::marks::Mark;

/// A configuration: on a struct it carries the settings, on the struct's `impl` block it collects methods.
///
/// # On the struct
/// | key | value | without it |
/// |---|---|---|
/// | `file = "rabbit.yml"` | the configuration file; looked for as `builder().file(..)`, `RABBIT_CONFIG_FILE`, in the current folder, in `CARGO_MANIFEST_DIR` at run time | `rabbit.yml` |
/// | `converter = JsonConverter` | any expression that is a `MessageConverter` | JSON |
/// | `executor(..)` | the pool behind the listeners, see below | `listener.simple.executor` of the file |
/// | `name = "audit"` | a second broker: its settings stand below `rabbitmq.brokers.audit` | the file's own broker |
/// | `expect_listeners = ["on_order"]` | ids of listeners that have to be linked into the program; a missing one is a fault at start | none |
///
/// | key of `executor` | value |
/// |---|---|
/// | `core_size = 16` | threads that are kept, from 1 |
/// | `max_size = 16` | handlers at once, not below `core_size` |
/// | `queue_capacity = 500` | deliveries that may wait |
/// | `thread_name_prefix = "rabbitExecutor-"` | the beginning of its threads' names |
/// | `rejection_policy = "caller-runs"` | or `"abort"`: what happens when the queue is full |
/// | `await_termination = true` | whether a stop lets running handlers finish |
///
/// The file and the environment are stronger than the attribute.
///
/// It gives the struct `builder()` and `start()`, which is `builder().start()`. They take no value where the struct has no
/// fields (`struct Shop;`), else the value (`shop.start()`), which is then shared by all methods.
///
/// # On the `impl` block
/// Methods with `#[rabbit_listener]`, `#[on_confirm]`, `#[on_return]`, `#[component]` and `#[declarables]` belong to this
/// configuration. They take `&self` or no receiver. The attributes are known by their own names only: not under an alias,
/// and not inside a `cfg_attr`; a `#[cfg]` beside them is respected. The block's attribute has no keys.
///
/// # What is generated
/// For the struct: the two functions and a registration. For each marked method: one hidden const `__rmq_attribute_of_<method>`
/// with the method's visibility, and its registration. Methods stay callable.
#[proc_macro_attribute]
pub fn rabbit_config(attribute: TokenStream, item: TokenStream) -> TokenStream {
    config::expand(attribute.into(), item.into()).into()
}

/// A listener: a function that is called for each message of its queues.
///
/// | key | value | without it |
/// |---|---|---|
/// | `queue = "orders.created"` | one queue; or | one of the three is needed |
/// | `queues = ["a", "b"]` | several queues; or | |
/// | `bindings(..)` | queues that are declared with their exchange and binding, see below | |
/// | `id = "on-order"` | its name in `rabbitmq.listeners.<id>`, in the registry and in reports: letters, digits, `-`, `_`, `.` | the function's name |
/// | `concurrency = "2-8"` | consumers, each on a channel of its own: `4`, `"4"`, or at least and at most | 1 |
/// | `prefetch = 250` | messages that each consumer may hold, 1 to 65535 | 250 |
/// | `ack = "auto"` | `"auto"`: after success; `"manual"`: by an `Acknowledger` argument; `"none"`: a message can be lost | `"auto"` |
/// | `retry(..)` | attempts in this process, see below | 3 attempts, 1 s, x 2, at most 10 s |
/// | `dead_letter = "policy"` | where rejected messages go: `"policy"` or `"external"` (not declared here), `"none"` (they are deleted), `"default"`, or a queue's name. Of `bindings`, it is also what is declared | known from the topology, else start refuses |
/// | `on_failure = "reject"` | or `"park:<queue>"`: published again there with the cause in its headers, then acknowledged | `"reject"` |
/// | `auto_startup = true` | whether it starts with the program | `true` |
/// | `exclusive = false` | whether its consumer is the queue's only one; needs concurrency 1 | `false` |
/// | `priority = 0` | of its consumers among the queue's; may be negative | the broker's, 0 |
/// | `config = Shop` | the configuration of a free function; a method has its type's | the program's only one |
///
/// | key of `retry` | value |
/// |---|---|
/// | `max_attempts = 3` | in all, from 1 |
/// | `initial_interval = "1s"` | before the second attempt: `"500ms"`, `"1s"`, `"2m"`, `"1h"`, or a number of milliseconds |
/// | `multiplier = 2.0` | the wait's growth, from 1 |
/// | `max_interval = "10s"` | the longest wait |
///
/// | key of `bindings(..)`, or of each `binding(..)` in it | value |
/// |---|---|
/// | `queue = "orders.created"` | needed |
/// | `queue_type = "quorum"` | or `"classic"`, `"stream"` |
/// | `exchange = "orders"` | needed |
/// | `exchange_type = "direct"` | or `"topic"`, `"fanout"`, `"headers"` |
/// | `routing_key = "order.created"` or `routing_keys = ["a", "b"]` | needed for direct and topic exchanges; one binding for each |
///
/// `rabbitmq.listeners.<id>` of the file is stronger than the attribute, and a `RABBIT_LISTENERS_<ID>_..` variable
/// is stronger than that.
///
/// # Arguments
/// They own their data, and stand in any order.
///
/// | argument | is |
/// |---|---|
/// | one of any type with `serde::Deserialize` | the payload, read by the converter |
/// | `#[header("x-tenant")] tenant: Option<String>` | a header: a text, number, truth value, bytes or `Value`; without `Option` it has to be there |
/// | `Message`, `MessageProperties`, `Headers`, `RoutingKey`, `DeliveryFacts` | a part of the delivery |
/// | `State<T>` | a component |
/// | `Acknowledger` | settles the delivery, in manual mode |
///
/// An argument that cannot be taken is fatal: the message is dead-lettered at once.
///
/// # Results
/// `()`, `Acknowledgement`, `Reply<T>`, or a `Result` of one of these with any error. An error is tried again, unless a
/// `Fatal` or `RetryAfter` is in its chain.
///
/// On a method it stands in an `impl` block with [`macro@rabbit_config`]. Without that block a method without `self` looks like
/// a free function to the attribute, and the compiler says that it cannot find it.
///
/// An `async fn` runs on tokio under the pool's bound, a plain `fn` on the pool's own threads.
///
/// # What is generated
/// One hidden const `__rmq_attribute_of_<function>` with the function's visibility, and its registration. The function stays as it
/// is, without the `#[header]` marks.
#[proc_macro_attribute]
pub fn rabbit_listener(attribute: TokenStream, item: TokenStream) -> TokenStream {
    function::free(Mark::Listener, attribute.into(), item.into()).into()
}

/// The confirm callback: it is told once about every message sent, how it ended. One for each configuration.
///
/// | key | value | without it |
/// |---|---|---|
/// | `config = Shop` | the configuration of a free function; a method has its type's | the program's only one |
///
/// It takes the `Confirm`, and `State<T>` components. It returns `()`, or `Result<(), E>` with any error, which is logged.
/// For a message that was returned, the return callback has run before.
#[proc_macro_attribute]
pub fn on_confirm(attribute: TokenStream, item: TokenStream) -> TokenStream {
    function::free(Mark::OnConfirm, attribute.into(), item.into()).into()
}

/// The return callback: it is given every message that no queue took. One for each configuration.
///
/// | key | value | without it |
/// |---|---|---|
/// | `config = Shop` | the configuration of a free function; a method has its type's | the program's only one |
///
/// It takes the `ReturnedMessage`, and `State<T>` components. It returns `()`, or `Result<(), E>` with any error, which is
/// logged.
#[proc_macro_attribute]
pub fn on_return(attribute: TokenStream, item: TokenStream) -> TokenStream {
    function::free(Mark::OnReturn, attribute.into(), item.into()).into()
}

/// A method of a configuration that builds a component at start: `async fn pool(&self) -> Result<Pool, Error>`.
///
/// Its result's type is the component's; of a type called `Result`, what is in it. Beside `&self` it takes `State<T>`:
/// components are built in the order of their needs. An error is a fault of the start. It has no keys.
#[proc_macro_attribute]
pub fn component(attribute: TokenStream, item: TokenStream) -> TokenStream {
    function::free(Mark::Component, attribute.into(), item.into()).into()
}

/// A method of a configuration that says what is declared on the broker: `fn topology(&self) -> Declarables`.
///
/// It returns `Declarables`, or one `Queue`, `Exchange` or `Binding`. It has no keys.
#[proc_macro_attribute]
pub fn declarables(attribute: TokenStream, item: TokenStream) -> TokenStream {
    function::free(Mark::Declarables, attribute.into(), item.into()).into()
}

/// Says where a type is published, so that `template.publish(&value)` needs no more.
///
/// | key of `#[rabbit(..)]` | value |
/// |---|---|
/// | `exchange = "orders"` | needed; `""` is the default exchange |
/// | `routing_key = "order.created"` | needed; on the default exchange a queue's name |
#[proc_macro_derive(RabbitMessage, attributes(rabbit))]
pub fn rabbit_message(input: TokenStream) -> TokenStream {
    tell(message::expand(input.into())).into()
}

/// Listeners and callbacks by name, for `builder().only(..)`: `listeners![on_order, callbacks::confirmed, Shop::plain]`.
///
/// Where the compiler cannot find `__rmq_attribute_of_<name>`, the function has no attribute, or is not visible from here.
#[proc_macro]
pub fn listeners(input: TokenStream) -> TokenStream {
    tell(list::expand(input.into())).into()
}
