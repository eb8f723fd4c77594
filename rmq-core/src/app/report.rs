use std::fmt;
use std::time::Duration;

use crate::config::{Resend, UnsafeSetting};
use crate::listener::{FailurePolicy, ListenerEndpoint};
use crate::topology::{Declaration, Destination, UnsafeDeclaration};

use super::dead_letters::Route;
use super::plan::Plan;

/// What was started: settings in effect, topology, listeners, and every unsafe choice.
///
/// Its `Display` is the text that goes to the log at start. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartReport {
    configuration: &'static str,
    settings: Vec<String>,
    topology: Vec<String>,
    listeners: Vec<String>,
    unsafe_choices: Vec<String>,
}

impl StartReport {
    pub(super) fn new(configuration: &'static str, plan: &Plan) -> Self {
        Self {
            configuration,
            settings: settings(plan),
            topology: topology(plan),
            listeners: listeners(plan),
            unsafe_choices: unsafe_choices(plan),
        }
    }

    /// Every choice that can lose, duplicate or expose messages, one sentence each. Empty is the default.
    #[must_use]
    pub fn unsafe_choices(&self) -> &[String] {
        &self.unsafe_choices
    }

    /// Where settings came from, and the connection.
    #[must_use]
    pub fn settings(&self) -> &[String] {
        &self.settings
    }

    /// What is declared on each new connection.
    #[must_use]
    pub fn topology(&self) -> &[String] {
        &self.topology
    }

    /// Each listener, and how many each crate brought.
    #[must_use]
    pub fn listeners(&self) -> &[String] {
        &self.listeners
    }
}

fn settings(plan: &Plan) -> Vec<String> {
    let (properties, connection) = (&plan.properties, &plan.connection);
    let sources = &properties.sources;
    let files = if sources.files.is_empty() {
        "no file".to_owned()
    } else {
        sources.files.join(", ")
    };
    let mut lines = vec![format!("settings from {files}")];
    let mut some = |what: &str, names: &[String]| {
        if !names.is_empty() {
            lines.push(format!("{what}: {}", names.join(", ")));
        }
    };
    some("profiles", &sources.profiles);
    some("profiles that nothing belongs to", &sources.unused_profiles);
    some(
        "variables that are not read (RABBIT_<PATH OF A PROPERTY>, RABBIT_PROFILES and RABBIT_CONFIG_FILE are)",
        &sources.other_variables,
    );
    let heartbeat = heartbeat(connection.heartbeat);
    let timeout = connection.connect_timeout;
    for address in &connection.addresses {
        let login = match &connection.provider {
            Some(_) => "login of the credentials provider".to_owned(),
            None => format!("{:?}", address.credentials),
        };
        lines.push(format!(
            "broker {}, virtual host `{}`, {login}, {heartbeat}, connect timeout {timeout:?}",
            address.target, address.virtual_host
        ));
    }
    let template = &plan.template;
    lines.push(format!(
        "publishing: window {} messages and {} bytes, confirm deadline {:?}, mandatory {}",
        template.window_messages,
        template.window_bytes,
        template.confirm_timeout,
        template.mandatory
    ));
    let pool = &plan.executor;
    lines.push(format!(
        "pool: {} to {} handlers at once, {} may wait, {:?}, threads `{}N`",
        pool.core_size, pool.max_size, pool.queue_capacity, pool.rejection, pool.thread_name_prefix
    ));
    lines
}

/// What is asked for: the broker may ask for less.
fn heartbeat(asked: Duration) -> String {
    if asked.is_zero() {
        "no heartbeat".to_owned()
    } else {
        format!("heartbeat {asked:?}")
    }
}

fn topology(plan: &Plan) -> Vec<String> {
    let step = |step: &Declaration<'_>| match step {
        Declaration::Exchange(exchange) => format!(
            "exchange `{}` ({})",
            exchange.name(),
            exchange.kind().as_str()
        ),
        Declaration::Queue(queue) => {
            format!("queue `{}` ({})", queue.name(), queue.kind().as_str())
        }
        Declaration::Binding(binding) => {
            let to = match binding.destination() {
                Destination::Queue(name) => format!("queue `{name}`"),
                Destination::Exchange(name) => format!("exchange `{name}`"),
            };
            format!(
                "binding `{}` -> {to}, key `{}`",
                binding.source(),
                binding.routing_key()
            )
        }
    };
    plan.topology.declarations().iter().map(step).collect()
}

fn listeners(plan: &Plan) -> Vec<String> {
    let mut lines: Vec<String> = plan
        .endpoints
        .iter()
        .map(|endpoint| listener(endpoint, plan))
        .collect();
    for (name, count) in &plan.listeners_by_crate {
        lines.push(format!("{count} from crate `{name}`"));
    }
    lines
}

fn listener(endpoint: &ListenerEndpoint, plan: &Plan) -> String {
    let settings = &endpoint.settings;
    let queues: Vec<&str> = settings.queues.iter().map(|queue| queue.as_str()).collect();
    let scaling = &settings.scaling;
    let consumers = if scaling.min == scaling.max {
        scaling.min.to_string()
    } else {
        format!("{}-{}", scaling.min, scaling.max)
    };
    format!(
        "`{}` on `{}`: {consumers} consumer(s), prefetch {}, {:?}, {} attempt(s), then {}{}",
        settings.id,
        queues.join("`, `"),
        settings.prefetch,
        settings.acknowledge,
        settings.retry.attempts,
        end(endpoint, plan),
        if settings.auto_startup {
            ""
        } else {
            "; not started"
        },
    )
}

fn end(endpoint: &ListenerEndpoint, plan: &Plan) -> String {
    let routes = plan
        .routes
        .iter()
        .find(|(id, _)| *id == endpoint.settings.id);
    let route = |route: &Route| match route {
        Route::Queues(queues) => format!("dead-lettered to `{}`", queues.join("`, `")),
        Route::Elsewhere(who) => format!("dead-lettered as arranged elsewhere ({who})"),
        Route::Deleted => "deleted".to_owned(),
    };
    match &endpoint.settings.on_failure {
        FailurePolicy::Park(queue) => format!("parked in `{queue}`"),
        FailurePolicy::Requeue => "requeued".to_owned(),
        FailurePolicy::Reject => {
            let mut ends: Vec<String> = routes
                .iter()
                .flat_map(|(_, routes)| routes.iter().map(route))
                .collect();
            ends.dedup();
            ends.join(", ")
        }
    }
}

fn unsafe_choices(plan: &Plan) -> Vec<String> {
    let setting = |choice: UnsafeSetting| {
        format!("`{}` ({}): {}", choice.path, choice.origin, choice.sentence)
    };
    let mut choices: Vec<String> = plan
        .properties
        .unsafe_choices()
        .into_iter()
        .map(setting)
        .collect();
    if plan.properties.template.resend == Resend::Never {
        choices.push(
            "`template.resend`: what is in flight when a connection dies ends as unknown"
                .to_owned(),
        );
    }
    for (id, unsafe_settings) in &plan.unsafe_listeners {
        choices.extend(
            unsafe_settings
                .iter()
                .cloned()
                .map(|choice| format!("listener `{id}`, {}", setting(choice))),
        );
    }
    let declaration = |choice: UnsafeDeclaration| format!("{}: {}", choice.place, choice.sentence);
    choices.extend(plan.topology.unsafe_choices().into_iter().map(declaration));
    choices
}

impl fmt::Display for StartReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rmq: `{}` started", self.configuration)?;
        for (title, lines) in [
            ("settings", &self.settings),
            ("topology", &self.topology),
            ("listeners", &self.listeners),
            ("UNSAFE CHOICES", &self.unsafe_choices),
        ] {
            if lines.is_empty() {
                continue;
            }
            write!(f, "\n  {title}")?;
            for line in lines {
                write!(f, "\n    {line}")?;
            }
        }
        Ok(())
    }
}
