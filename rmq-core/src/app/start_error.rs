use std::fmt;

use crate::admin::AdminError;
use crate::connection::ConnectError;
use crate::error::{Fault, Faults, OperationError};
use crate::listener::ListenerError;

use super::StopError;

/// Why an application did not start. Nothing of it runs; what was connected is closed again.
pub struct StartError(Box<Reason>);

enum Reason {
    Faults {
        configuration: &'static str,
        faults: Faults,
    },
    /// It names the connection itself.
    Connect(ConnectError),
    Listeners {
        late: Vec<ListenerError>,
        unsettled: Option<StopError>,
    },
}

impl StartError {
    pub(super) fn faults(configuration: &'static str, faults: Faults) -> Self {
        Self(Box::new(Reason::Faults {
            configuration,
            faults,
        }))
    }

    /// The test kit could not do its part.
    #[cfg(feature = "testing")]
    pub(crate) fn harness(error: impl fmt::Display) -> Self {
        let place = crate::error::Place::Elsewhere("RabbitHarness::start".to_owned());
        Self::faults("RabbitHarness", Fault::new(place, error.to_string()).into())
    }

    pub(crate) fn connect(error: ConnectError) -> Self {
        Self(Box::new(Reason::Connect(error)))
    }

    pub(super) fn listeners(late: Vec<ListenerError>, unsettled: Option<StopError>) -> Self {
        Self(Box::new(Reason::Listeners { late, unsettled }))
    }

    /// Everything that is wrong with settings, attributes and components, each with its place; empty when the
    /// settings were right and the broker was not reached or refused.
    pub fn fault_list(&self) -> impl Iterator<Item = &Fault> {
        let faults = match &*self.0 {
            Reason::Faults { faults, .. } => Some(faults),
            Reason::Connect(error) => declaration_faults(error),
            Reason::Listeners { .. } => None,
        };
        faults.into_iter().flat_map(Faults::iter)
    }

    /// Why the broker could not be used, if that is the reason.
    #[must_use]
    pub fn connect_error(&self) -> Option<&ConnectError> {
        match &*self.0 {
            Reason::Connect(error) => Some(error),
            Reason::Faults { .. } | Reason::Listeners { .. } => None,
        }
    }
}

/// What the broker has and we asked for otherwise.
fn declaration_faults(error: &ConnectError) -> Option<&Faults> {
    error
        .setup_error()?
        .downcast_ref::<AdminError>()
        .map(AdminError::faults)
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Reason::Faults {
                configuration,
                faults,
            } => {
                let plural = if faults.len() == 1 { "" } else { "s" };
                write!(
                    f,
                    "`{configuration}` did not start: {} fault{plural} to mend\n{faults}",
                    faults.len()
                )
            }
            Reason::Connect(error) => error.fmt(f),
            Reason::Listeners { late, unsettled } => {
                write!(
                    f,
                    "not every listener consumed before the start deadline (`start-timeout`)"
                )?;
                for listener in late {
                    write!(f, "\n  {listener}")?;
                }
                match unsettled {
                    Some(unsettled) => write!(f, "\n{unsettled}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            Reason::Connect(error) => std::error::Error::source(error),
            Reason::Faults { .. } | Reason::Listeners { .. } => None,
        }
    }
}

impl OperationError for StartError {
    fn code(&self) -> &'static str {
        match &*self.0 {
            Reason::Faults { .. } => "RMQ-START-FAULTS",
            Reason::Connect(error) => error.code(),
            Reason::Listeners { .. } => "RMQ-START-LISTENERS",
        }
    }

    fn is_transient(&self) -> bool {
        match &*self.0 {
            Reason::Faults { .. } => false,
            Reason::Connect(error) => error.is_transient(),
            Reason::Listeners { .. } => true,
        }
    }
}
