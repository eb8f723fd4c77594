//! The timer that gives the broker a new secret before the old one ends.

use std::convert::Infallible;
use std::future::pending;

use tokio::time::{sleep, sleep_until};

use crate::time::Deadline;

use super::credentials::{HeldLogin, ask};
use super::pause::Pauses;
use super::shared::Shared;
use super::slot::Slot;
use super::{ConnectionEvent, CredentialsProvider};

/// Keeps the secret of a link fresh, as long as it is polled. A refresh that failed is tried again: the broker is the
/// one who ends the link of an expired login.
pub(super) async fn keep_fresh(shared: &Shared, slot: &Slot) -> Infallible {
    let (Some(provider), Some(held)) = (&shared.settings.provider, &slot.login) else {
        return pending().await;
    };
    let mut held = held.clone();
    let mut pauses = Pauses::new(shared.settings.back_off);
    while let Some(at) = held.refresh_at() {
        sleep_until(at).await;
        match refresh(&**provider, shared, slot, &held).await {
            // The link is being replaced.
            Ok(None) => break,
            Ok(Some(fresh)) => {
                held = fresh;
                pauses = Pauses::new(shared.settings.back_off);
                tracing::info!(connection = %shared.name(), "the broker took the new secret");
                shared.tell(ConnectionEvent::SecretRefreshed);
            }
            Err(error) => {
                tracing::warn!(
                    connection = %shared.name(), error = %error,
                    "the secret was not refreshed; the connection goes on with the old one, and it is tried again"
                );
                shared.tell(ConnectionEvent::RefreshFailed(error));
            }
        }
        // Behind a success, too: a login that is valid for no time must not become a hot loop.
        sleep(pauses.next()).await;
    }
    pending().await
}

async fn refresh(
    provider: &dyn CredentialsProvider,
    shared: &Shared,
    slot: &Slot,
    held: &HeldLogin,
) -> Result<Option<HeldLogin>, String> {
    let settings = &shared.settings;
    let fresh = ask(provider, Deadline::after(settings.handshake_timeout)).await?;
    if fresh.login.username != held.login.username {
        // An open connection keeps its user.
        slot.retire("the credentials provider names another user".to_owned());
        return Ok(None);
    }
    let by = Deadline::after_or_never(settings.rpc_timeout);
    let updated = slot
        .link
        .update_secret(&fresh.login.secret, "refreshed", by)
        .await;
    updated
        .map(|()| Some(fresh))
        .map_err(|error| error.to_string())
}
