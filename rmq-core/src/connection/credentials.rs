//! Who the program is to the broker, where the program itself says it.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::error::BoxError;
use crate::time::Deadline;

/// Gives the login, where it is not in the file: a token from a server, a password from a vault (Spring's
/// `CredentialsProvider`).
///
/// It is asked again before each connect. Where the login says how long it is valid, it is asked again after four
/// fifths of that time, too, and the new secret is given to the broker on the open connection, which goes on
/// undisturbed. Each connection asks for itself. Its login takes the place of every `username` and `password` of the file.
///
/// An answer has a deadline (`handshake-timeout`). A failure, a panic or a late answer is told as a
/// [`ConnectionEvent`](super::ConnectionEvent) and in the log, and it is asked again after the back-off
/// (`recovery.*`). What its error says is logged: it must not hold the secret.
///
/// Every `Fn() -> impl Future<Output = Result<Login, BoxError>>` is one.
///
/// # Cancel safety
/// The future is dropped when its deadline passes or the connection is closed.
///
/// # Examples
/// ```no_run
/// use std::time::Duration;
/// use rmq_core::{Login, prelude::*};
///
/// #[rabbit_config(file = "rabbit.yml")]
/// struct RabbitMqConfiguration;
///
/// # async fn fetch_token() -> Result<String, rmq_core::BoxError> { Ok(String::new()) }
/// # async fn example() -> Result<(), rmq_core::Error> {
/// let rabbit = RabbitMqConfiguration::builder()
///     .credentials(|| async {
///         let token = fetch_token().await?;
///         Ok(Login::new("billing", token).valid_for(Duration::from_secs(600)))
///     })
///     .start()
///     .await?;
/// # Ok(())
/// # }
/// ```
pub trait CredentialsProvider: Send + Sync + 'static {
    /// Who we are from now on.
    ///
    /// # Errors
    /// Any: it is asked again after the back-off. An open connection stays open meanwhile.
    fn login(&self) -> BoxFuture<'_, Result<Login, BoxError>>;
}

impl<F, Fut> CredentialsProvider for F
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Login, BoxError>> + Send + 'static,
{
    fn login(&self) -> BoxFuture<'_, Result<Login, BoxError>> {
        self().boxed()
    }
}

impl fmt::Debug for dyn CredentialsProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialsProvider")
    }
}

/// A user name and its secret, and how long the broker takes it. Its `Debug` hides the secret.
#[derive(Clone)]
pub struct Login {
    pub(super) username: String,
    pub(super) secret: String,
    valid_for: Option<Duration>,
}

impl Login {
    /// A login without an end.
    #[must_use]
    pub fn new(username: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            username: username.into(),
            secret: secret.into(),
            valid_for: None,
        }
    }

    /// How long the broker takes the secret, counted from now.
    #[must_use]
    pub const fn valid_for(mut self, time: Duration) -> Self {
        self.valid_for = Some(time);
        self
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("username", &self.username)
            .field("secret", &"***")
            .field("valid_for", &self.valid_for)
            .finish()
    }
}

/// A login that a link was opened with, or has got since.
#[derive(Debug, Clone)]
pub(super) struct HeldLogin {
    pub(super) login: Login,
    since: Instant,
}

impl HeldLogin {
    /// When to ask for the next one; never, if this one has no end.
    pub(super) fn refresh_at(&self) -> Option<Instant> {
        let valid_for = self.login.valid_for?;
        self.since.checked_add(valid_for / 5 * 4)
    }
}

/// Asks the provider, until the deadline. In an error are only its own words.
pub(super) async fn ask(
    provider: &dyn CredentialsProvider,
    deadline: Deadline,
) -> Result<HeldLogin, String> {
    let asked = AssertUnwindSafe(async { provider.login().await }).catch_unwind();
    let answer = match deadline.limit(asked).await {
        Ok(Ok(Ok(login))) => {
            return Ok(HeldLogin {
                login,
                since: Instant::now(),
            });
        }
        Ok(Ok(Err(error))) => format!("failed: {error}"),
        Ok(Err(_panic)) => "panicked".to_owned(),
        Err(missed) => format!("did not answer: {missed}"),
    };
    Err(format!("the credentials provider {answer}"))
}
