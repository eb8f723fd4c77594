//! Everything decided and checked before anything is connected.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::component::Components;
use crate::config::{RabbitProperties, SaslMechanism, UnsafeSetting, is_same_name};
use crate::connection::{ConnectionSettings, CredentialsProvider};
use crate::converter::MessageConverter;
use crate::error::{Fault, Faults, Place};
use crate::listener::{ExecutorSettings, ListenerEndpoint, MessageRecoverer};
use crate::registry::{ConfigurationDescriptor, Selection};
use crate::template::{Callbacks, TemplateSettings};
use crate::topology::{Declarables, Topology};
use crate::transport::Target;

use super::callbacks::callbacks;
use super::dead_letters::{Route, routes};
use super::ownership::contradictions;
use super::settings::{DecidedListener, decided_listener, executor_settings, template_settings};

/// What a plan is made of.
pub(super) struct Draft {
    pub(super) configuration: ConfigurationDescriptor,
    pub(super) properties: RabbitProperties,
    pub(super) selection: Selection,
    pub(super) components: Components,
    pub(super) declarables: Declarables,
    pub(super) converter: Arc<dyn MessageConverter>,
    pub(super) recoverer: Option<Arc<dyn MessageRecoverer>>,
    pub(super) credentials: Option<Arc<dyn CredentialsProvider>>,
    pub(super) embedded: Option<Target>,
}

/// What will be started.
pub(super) struct Plan {
    pub(super) properties: RabbitProperties,
    pub(super) connection: ConnectionSettings,
    pub(super) topology: Topology,
    pub(super) template: TemplateSettings,
    pub(super) callbacks: Callbacks,
    pub(super) executor: ExecutorSettings,
    pub(super) endpoints: Vec<ListenerEndpoint>,
    pub(super) converter: Arc<dyn MessageConverter>,
    /// For the report: by listener, where rejected messages of each queue go.
    pub(super) routes: Vec<(String, Vec<Route>)>,
    pub(super) listeners_by_crate: BTreeMap<&'static str, usize>,
    /// For the report: by listener, what it says that can lose a message.
    pub(super) unsafe_listeners: Vec<(String, Vec<UnsafeSetting>)>,
}

impl Draft {
    /// Decides and checks, with the faults so far at hand.
    ///
    /// # Errors
    /// All faults at once. What only follows from a property that could not be read is not among them.
    pub(super) fn plan(mut self, mut faults: Faults) -> Result<Plan, Faults> {
        faults.extend(self.selection.missing_components(&self.components));
        self.unknown_ids(&mut faults);
        let connection = keep(self.connection(), &mut faults);
        let template = keep(template_settings(&self.properties), &mut faults);
        // With a faulty topology nothing can be said of routes; what the attributes say is checked all the same.
        let topology = if self.properties.doubts_topology() {
            None
        } else {
            keep(self.all_declarables().check(), &mut faults)
        };
        let known = topology.as_ref();
        let decided: Vec<_> = self
            .selection
            .listeners
            .iter()
            .map(|listener| decided_listener(listener, &self.properties, known, &mut faults))
            .collect();
        if let Some(topology) = known {
            faults.extend(self.contradictions(&decided, topology));
        }
        let executor = executor_settings(&self.properties.executor, self.configuration.executor);
        let (Some(connection), Some(template), Some(topology)) = (connection, template, topology)
        else {
            return Err(faults.sorted());
        };
        let routes = decided
            .iter()
            .map(|listener| (listener.settings.id.clone(), routes(listener, &topology)))
            .collect();
        let listeners_by_crate = self.selection.listeners_by_crate();
        let callbacks = callbacks(&mut self.selection, &self.components);
        let unsafe_listeners = decided
            .iter()
            .map(|listener| {
                (
                    listener.settings.id.clone(),
                    listener.unsafe_choices.clone(),
                )
            })
            .collect();
        let plan = Plan {
            connection,
            template,
            topology: if self.properties.connection.declare_topology {
                topology
            } else {
                Topology::default()
            },
            callbacks,
            executor,
            endpoints: endpoints(
                self.selection,
                decided,
                &self.components,
                &self.converter,
                self.recoverer.as_ref(),
            ),
            converter: self.converter,
            routes,
            listeners_by_crate,
            unsafe_listeners,
            properties: self.properties,
        };
        faults.into_result(plan)
    }

    fn connection(&mut self) -> Result<ConnectionSettings, Faults> {
        if self.properties.doubts_addresses() {
            return Err(Faults::new());
        }
        let properties = &self.properties.connection;
        let settings = ConnectionSettings::from_properties(properties, self.embedded.take())?;
        let provider = self.credentials.take();
        if provider.is_some() && properties.sasl == SaslMechanism::External {
            let place = Place::Elsewhere("builder().credentials(..)".to_owned());
            let sentence = "with `sasl-mechanism: external` the client certificate is the login: a provider has nothing to say";
            return Err(Fault::new(place, sentence)
                .fix("drop one of the two")
                .into());
        }
        Ok(ConnectionSettings {
            provider,
            ..settings
        })
    }

    /// What only follows from settings that could not be read is left out.
    fn contradictions(&self, decided: &[DecidedListener], topology: &Topology) -> Faults {
        let settings = decided.iter().map(|decided| &decided.settings);
        let listeners = self.selection.listeners.iter().zip(settings);
        let known =
            listeners.filter(|(_, settings)| !self.properties.doubts_listener(&settings.id));
        contradictions(known, topology)
    }

    /// A `listeners.<id>` without a listener: a typo would otherwise change nothing, in silence.
    fn unknown_ids(&self, faults: &mut Faults) {
        let known: Vec<_> = self
            .selection
            .listeners
            .iter()
            .map(|listener| listener.descriptor.id)
            .collect();
        // Why these are not there is told already.
        let missed = [
            self.configuration.expect_listeners,
            &self.selection.ownerless,
        ]
        .concat();
        for id in self.properties.listeners.keys() {
            if known
                .iter()
                .chain(&missed)
                .any(|known| is_same_name(known, id))
            {
                continue;
            }
            let place = self
                .properties
                .listener_origins
                .get(id)
                .and_then(|origin| origin.place().cloned());
            let place = place.unwrap_or_else(|| Place::Elsewhere(format!("listeners.{id}")));
            let sentence =
                format!("`listeners.{id}` is for a listener that the program does not have");
            let near = known
                .iter()
                .min_by_key(|known| strsim::damerau_levenshtein(known, id));
            faults.push(Fault::new(place, sentence).fix(match near {
                Some(near) if strsim::damerau_levenshtein(near, id) <= 3 => format!("did you mean `{near}`?"),
                _ if known.is_empty() => "no listener is linked into the program; is its crate used? `use my_listeners as _;`".to_owned(),
                _ => format!("there are: `{}`", known.join("`, `")),
            }));
        }
    }

    /// The file's, the builder's, the configuration's methods', and those of the listeners' bindings.
    fn all_declarables(&self) -> Declarables {
        let mut all = self.properties.topology.clone();
        all.append(self.declarables.clone());
        for declarables in &self.selection.declarables {
            if let Some(more) = (declarables.declare)(&self.components) {
                all.append(more);
            }
        }
        for listener in &self.selection.listeners {
            all.append(listener.descriptor.declarables());
        }
        all
    }
}

fn keep<T>(result: Result<T, Faults>, faults: &mut Faults) -> Option<T> {
    result.map_err(|found| faults.extend(found)).ok()
}

fn endpoints(
    selection: Selection,
    decided: Vec<DecidedListener>,
    components: &Components,
    converter: &Arc<dyn MessageConverter>,
    recoverer: Option<&Arc<dyn MessageRecoverer>>,
) -> Vec<ListenerEndpoint> {
    let listeners = selection.listeners.into_iter().zip(decided);
    listeners
        .map(|(listener, decided)| ListenerEndpoint {
            settings: decided.settings,
            handler: listener.handler,
            components: components.clone(),
            converter: Arc::clone(converter),
            recoverer: recoverer.cloned(),
        })
        .collect()
}
