//! One try of one address: login, link, then hooks.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::time::Instant;

use crate::time::Deadline;
use crate::transport::{Credentials, Link, TransportError, TransportErrorKind};

use super::credentials::{HeldLogin, ask};
use super::hook::{HookError, NewLink};
use super::shared::Shared;
use super::{
    AttemptError, BrokerAddress, ConnectErrorKind, ConnectionSettings, OpenConnection, OpenHook,
};

/// A try that did not work.
pub(super) struct Failed {
    pub(super) error: AttemptError,
    /// Whether every node would say the same to this login.
    pub(super) of_login: bool,
    /// The hook's own error, where it was a hook.
    pub(super) hook: Option<HookError>,
}

/// A try that worked.
pub(super) struct Succeeded {
    pub(super) link: Link,
    pub(super) connection: OpenConnection,
    /// The login, where a provider gave it.
    pub(super) login: Option<HeldLogin>,
}

/// Opens a link and runs every hook on it.
pub(super) async fn attempt(
    shared: &Shared,
    address: &BrokerAddress,
    generation: u64,
) -> Result<Succeeded, Failed> {
    let mut settings = shared.settings.link(shared.purpose, address);
    let shown = address.target.to_string();
    let login = provided_login(&shared.settings, &shown).await?;
    if let Some(HeldLogin { login, .. }) = &login {
        settings.credentials = Credentials::Plain {
            username: login.username.clone(),
            password: login.secret.clone(),
        };
    }
    let link = Link::open(settings).await;
    let link = link.map_err(|error| not_opened(&shown, &error))?;
    let (product, version) = link.broker();
    let new = NewLink {
        link,
        purpose: shared.purpose,
        connection: OpenConnection {
            generation,
            address: shown,
            product,
            version,
        },
        virtual_host: address.virtual_host.clone(),
        opened: Instant::now(),
        rpc_timeout: shared.settings.rpc_timeout,
    };
    let hooks: Vec<Arc<dyn OpenHook>> = shared.hooks.read().clone();
    for hook in hooks {
        if let Err(error) = run(&*hook, &new).await {
            new.link
                .close(Deadline::after(shared.settings.close_timeout))
                .await;
            return Err(hook_failed(&new.connection.address, hook.doing(), error));
        }
    }
    Ok(Succeeded {
        link: new.link,
        connection: new.connection,
        login,
    })
}

/// What the program's provider says, if there is one.
async fn provided_login(
    settings: &ConnectionSettings,
    address: &str,
) -> Result<Option<HeldLogin>, Failed> {
    let Some(provider) = &settings.provider else {
        return Ok(None);
    };
    let asked = ask(&**provider, Deadline::after(settings.handshake_timeout)).await;
    asked.map(Some).map_err(|text| Failed {
        error: AttemptError {
            address: address.to_owned(),
            kind: ConnectErrorKind::Credentials,
            text,
            permanent: false,
        },
        of_login: false,
        hook: None,
    })
}

/// Nodes share their users and virtual hosts, but not their TLS: authorities, certificates, revocation lists.
fn not_opened(address: &str, error: &TransportError) -> Failed {
    let of_users = matches!(
        error.kind,
        TransportErrorKind::Authentication | TransportErrorKind::VirtualHost
    );
    let error = AttemptError::of(address.to_owned(), error);
    Failed {
        of_login: of_users && error.permanent,
        error,
        hook: None,
    }
}

/// A hook that panics has failed; it must not take the supervisor with it.
async fn run(hook: &dyn OpenHook, link: &NewLink) -> Result<(), HookError> {
    let run = AssertUnwindSafe(async { hook.run(link).await });
    run.catch_unwind().await.unwrap_or_else(|_panic| {
        Err(HookError {
            error: "it panicked".into(),
            permanent: false,
        })
    })
}

fn hook_failed(address: &str, doing: &str, error: HookError) -> Failed {
    Failed {
        error: AttemptError {
            address: address.to_owned(),
            kind: ConnectErrorKind::Setup,
            text: format!("cannot {doing}: {}", error.error),
            permanent: error.permanent,
        },
        of_login: false,
        hook: Some(error),
    }
}
