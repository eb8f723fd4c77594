use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::component::Components;
use crate::config::{FileSearch, RabbitProperties, process_environment, read_files, read_text};
use crate::connection::CredentialsProvider;
use crate::converter::{JsonConverter, MessageConverter};
use crate::error::{Fault, Faults, Place};
use crate::listener::MessageRecoverer;
use crate::registry::{
    ConfigurationDescriptor, RabbitConfiguration, Registrations, Registry, build_components,
};
use crate::template::MessagePostProcessor;
use crate::topology::{Declarable, Declarables};

use super::bootstrap::{Beside, start};
use super::brokers::of_broker;
use super::embedded;
use super::plan::Draft;
use super::rehearsal::Rehearsal;
use super::{RabbitApp, StartError};

/// Starts a configuration, with what the program adds to its attributes and its file.
///
/// # Examples
/// ```no_run
/// use rmq_core::prelude::*;
///
/// #[rabbit_config(file = "rabbit.yml")]
/// struct RabbitMqConfiguration;
///
/// # async fn example() -> Result<(), rmq_core::Error> {
/// let rabbit = RabbitMqConfiguration::builder().state(42_u32).start().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing happens until it is started"]
pub struct RabbitBuilder {
    configuration: ConfigurationDescriptor,
    components: Components,
    faults: Faults,
    search: FileSearch,
    text: Option<(String, String)>,
    environment: Option<BTreeMap<String, String>>,
    only: Option<Registrations>,
    declarables: Declarables,
    converter: Option<Arc<dyn MessageConverter>>,
    post_processors: Vec<Arc<dyn MessagePostProcessor>>,
    recoverer: Option<Arc<dyn MessageRecoverer>>,
    credentials: Option<Arc<dyn CredentialsProvider>>,
    broker: Option<embedded::Broker>,
    for_a_test: bool,
    rehearsal: Option<Arc<dyn Rehearsal>>,
}

/// What is not part of the plan.
struct Extras {
    post_processors: Vec<Arc<dyn MessagePostProcessor>>,
    broker: Option<embedded::Broker>,
    for_a_test: bool,
    rehearsal: Option<Arc<dyn Rehearsal>>,
}

impl RabbitBuilder {
    /// A builder for a configuration; `#[rabbit_config]` calls it for `Type::builder()`.
    pub fn new<C: RabbitConfiguration>(configuration: C) -> Self {
        let descriptor = C::DESCRIPTOR;
        let mut components = Components::new();
        components.insert(Arc::new(configuration));
        Self {
            search: FileSearch {
                builder: None,
                attribute: descriptor.file.map(PathBuf::from),
            },
            configuration: descriptor,
            components,
            faults: Faults::new(),
            text: None,
            environment: None,
            only: None,
            declarables: Declarables::new(),
            converter: None,
            post_processors: Vec::new(),
            recoverer: None,
            credentials: None,
            broker: None,
            for_a_test: false,
            rehearsal: None,
        }
    }

    /// Reads this file, whatever the attribute or `RABBIT_CONFIG_FILE` say.
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.search.builder = Some(path.into());
        self
    }

    /// Takes this text in place of a file; `name` stands for the file in faults.
    pub fn properties(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.text = Some((name.into(), text.into()));
        self
    }

    /// Takes these variables in place of the process's environment.
    pub fn environment<N: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        self.environment = Some(variables.collect());
        self
    }

    /// Adds a component: what `State<T>` arguments of this type are given. A second one of a type is a fault at start.
    pub fn state<T: Send + Sync + 'static>(mut self, component: T) -> Self {
        if !self.components.insert(Arc::new(component)) {
            let place = Place::Elsewhere("builder().state(..)".to_owned());
            let name = std::any::type_name::<T>();
            let fault = Fault::new(place, format!("there is a component `{name}` already"));
            self.faults
                .push(fault.fix("keep one of them, or wrap one in a type of its own"));
        }
        self
    }

    /// Takes the listeners and callbacks named here (`listeners![on_order, confirmed]`) and no others.
    pub fn only(mut self, registrations: Registrations) -> Self {
        self.only = Some(registrations);
        self
    }

    /// Declares this, too, on each new connection.
    pub fn declare(mut self, declarable: impl Into<Declarable>) -> Self {
        self.declarables.add(declarable);
        self
    }

    /// Declares all of these, too, on each new connection.
    pub fn declare_all(mut self, declarables: Declarables) -> Self {
        self.declarables.append(declarables);
        self
    }

    /// Converts with this in place of JSON, or of the attribute's `converter`.
    pub fn converter(mut self, converter: impl MessageConverter + 'static) -> Self {
        self.converter = Some(Arc::new(converter));
        self
    }

    /// Runs this over every message before it is sent, behind those added earlier.
    pub fn post_processor(mut self, post_processor: impl MessagePostProcessor) -> Self {
        self.post_processors.push(Arc::new(post_processor));
        self
    }

    /// Asks this what to do with deliveries that cannot be handled, in place of `on-failure`.
    pub fn recoverer(mut self, recoverer: impl MessageRecoverer) -> Self {
        self.recoverer = Some(Arc::new(recoverer));
        self
    }

    /// Asks this for the login, before each connect and before it expires, in place of `username` and `password`.
    pub fn credentials(mut self, provider: impl CredentialsProvider) -> Self {
        self.credentials = Some(Arc::new(provider));
        self
    }

    /// Connects to this broker inside the process, whatever `addresses` says.
    #[cfg(feature = "embedded")]
    pub fn broker(mut self, broker: impl Into<Arc<crate::transport::EmbeddedBroker>>) -> Self {
        self.broker = Some(broker.into());
        self
    }

    /// Connects to a new broker inside the process, unless it was given one.
    #[cfg(feature = "testing")]
    pub(crate) fn for_a_test(mut self) -> Self {
        self.for_a_test = true;
        self
    }

    /// Whether this connects to a broker that others may use, too: one it was given, or that of `RABBIT_ADDRESSES`.
    #[cfg(feature = "testing")]
    pub(crate) fn shares_its_broker(&self) -> bool {
        const ADDRESSES: &str = "RABBIT_ADDRESSES";
        let addresses = match &self.environment {
            Some(environment) => environment.get(ADDRESSES).cloned(),
            None => std::env::var(ADDRESSES).ok(),
        };
        self.broker.is_some() || addresses.is_some_and(|addresses| !addresses.is_empty())
    }

    /// Has this act between the connections and the listeners of the start.
    #[cfg(feature = "testing")]
    pub(crate) fn rehearse(mut self, rehearsal: Arc<dyn Rehearsal>) -> Self {
        self.rehearsal = Some(rehearsal);
        self
    }

    /// Starts: reads the settings, checks everything, connects, declares the topology, starts the listeners.
    /// Returns when the topology stands and the listeners that start with the program consume.
    ///
    /// # Cancel safety
    /// If dropped, nothing of it goes on.
    ///
    /// # Errors
    /// All faults of settings, attributes and components at once; a refused login or virtual host at once; at the
    /// start deadline (`start-timeout`) every address tried.
    pub async fn start(self) -> Result<RabbitApp, StartError> {
        let name = self.configuration.name;
        let (mut draft, extras, mut faults) = self.draft().await;
        let Extras {
            broker, for_a_test, ..
        } = extras;
        let broker = embedded::broker(broker, for_a_test, &draft.properties, &mut faults).await;
        draft.embedded = broker.as_ref().map(embedded::target);
        let plan = draft.plan(faults);
        let parts = Beside {
            post_processors: extras.post_processors,
            broker,
            rehearsal: extras.rehearsal,
        };
        let plan = plan.map_err(|faults| StartError::faults(name, faults))?;
        start(name, plan, parts).await
    }

    /// Reads, selects and builds. Faults of one thing keep nobody from looking at the others: the draft holds what
    /// there is, and the plan's checks run on it.
    async fn draft(mut self) -> (Draft, Extras, Faults) {
        let mut faults = std::mem::take(&mut self.faults);
        let properties = self.read(&mut faults);
        let registry = Registry::collect();
        let selection = registry.select(&self.configuration, self.only.as_ref(), &mut faults);
        let methods = &selection.components;
        let components = build_components(methods, self.components, &mut faults).await;
        let attribute = self.configuration.converter;
        let draft = Draft {
            converter: self
                .converter
                .or_else(|| attribute.map(|converter| converter()))
                .unwrap_or_else(|| Arc::new(JsonConverter)),
            configuration: self.configuration,
            properties,
            selection,
            components,
            declarables: self.declarables,
            recoverer: self.recoverer,
            credentials: self.credentials,
            embedded: None,
        };
        let extras = Extras {
            post_processors: self.post_processors,
            broker: self.broker,
            for_a_test: self.for_a_test,
            rehearsal: self.rehearsal,
        };
        (draft, extras, faults)
    }

    fn read(&self, faults: &mut Faults) -> RabbitProperties {
        let environment = self.environment.clone().unwrap_or_else(process_environment);
        let reading = match &self.text {
            Some((name, text)) => read_text(name, text, &environment),
            None => read_files(&self.search, &environment),
        };
        faults.extend(reading.faults);
        of_broker(reading.properties, &self.configuration, faults)
    }
}

impl fmt::Debug for RabbitBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RabbitBuilder")
            .field("configuration", &self.configuration.name)
            .field("components", &self.components)
            .finish_non_exhaustive()
    }
}
