//! From an address to a link: socket, TLS, handshake, each within its deadline.

use std::future::Future;
use std::sync::Arc;

use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::compat::TokioAsyncReadCompatExt;

use crate::time::Deadline;

use super::dial::dial;
use super::pipe::{LapinEnd, PipeReactor};
use super::shared::Shared;
use super::{
    CloseCause, Credentials, LinkSettings, Target, TlsSettings, TransportError, TransportErrorKind,
    supervisor,
};

/// Ends the link if its opening is given up.
struct Unopened(Option<Arc<Shared>>);

impl Drop for Unopened {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            shared.closing();
            shared.lost("given up while it was being opened");
        }
    }
}

fn failed(kind: TransportErrorKind, doing: &str, text: impl ToString) -> TransportError {
    TransportError {
        kind,
        doing: doing.to_owned(),
        text: text.to_string(),
    }
}

async fn within<T>(
    deadline: Deadline,
    doing: &str,
    work: impl Future<Output = Result<T, TransportError>>,
) -> Result<T, TransportError> {
    let missed = |_| {
        failed(
            TransportErrorKind::Deadline,
            doing,
            "no answer before the deadline",
        )
    };
    deadline.limit(work).await.map_err(missed)?
}

/// Opens a link.
pub(super) async fn open(settings: LinkSettings) -> Result<Arc<Shared>, TransportError> {
    let doing = format!("connect to {}", settings.target);
    let connect = Deadline::after(settings.connect_timeout);
    let unreachable =
        |error: std::io::Error| failed(TransportErrorKind::Unreachable, &doing, error);
    match &settings.target {
        Target::Tcp { host, port, tls } => {
            let socket = within(connect, &doing, async {
                let socket = dial(host, *port, connect).await.map_err(unreachable)?;
                socket.set_nodelay(true).map_err(unreachable)?;
                Ok(socket)
            })
            .await?;
            match tls {
                None => {
                    let (reading, writing) = socket.into_split();
                    handshake(&settings, reading, writing).await
                }
                Some(tls) => {
                    let socket = within(connect, &doing, secure(socket, tls, &doing)).await?;
                    let (reading, writing) = tokio::io::split(socket);
                    handshake(&settings, reading, writing).await
                }
            }
        }
        Target::Memory(connect) => {
            let down = || failed(TransportErrorKind::Unreachable, &doing, "it is down");
            let (reading, writing) = tokio::io::split(connect().ok_or_else(down)?);
            handshake(&settings, reading, writing).await
        }
    }
}

async fn secure(
    socket: tokio::net::TcpStream,
    tls: &TlsSettings,
    doing: &str,
) -> Result<tokio_rustls::client::TlsStream<tokio::net::TcpStream>, TransportError> {
    let connector = tokio_rustls::TlsConnector::from(Arc::clone(&tls.config));
    let connected = connector.connect(tls.server_name.clone(), socket).await;
    connected.map_err(|error| {
        // rustls says what is wrong inside an `InvalidData`; a peer that just goes away is no fault of a certificate.
        let kind = if refuses_our_certificate(&error.to_string()) {
            TransportErrorKind::Certificate
        } else if error
            .get_ref()
            .is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
        {
            TransportErrorKind::Tls
        } else {
            TransportErrorKind::Unreachable
        };
        failed(kind, doing, error)
    })
}

/// The AMQP handshake over an open socket.
pub(super) async fn handshake<R, W>(
    settings: &LinkSettings,
    reading: R,
    writing: W,
) -> Result<Arc<Shared>, TransportError>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let doing = format!(
        "log in to {} as {}, virtual host `{}`",
        settings.target,
        login(&settings.credentials),
        settings.virtual_host
    );
    let deadline = Deadline::after(settings.handshake_timeout);
    let shared = Shared::new(settings);
    let mut unopened = Unopened(Some(Arc::clone(&shared)));
    supervisor::start(&shared, reading, writing);
    let connection = tokio::spawn(control_plane(
        Arc::clone(&shared),
        settings.virtual_host.clone(),
        &settings.credentials,
    ));
    let connected = within(deadline, &doing, async {
        tokio::select! {
            biased;
            cause = shared.closed() => Err(refused(&cause, &doing)),
            connection = connection => match connection {
                Ok(Ok(connection)) => Ok(connection),
                // lapin fails when the link does, too: the link knows why.
                _ if shared.end_cause().is_some() => Err(refused(&shared.closed().await, &doing)),
                Ok(Err(error)) => Err(failed(TransportErrorKind::Protocol, &doing, error)),
                Err(error) => Err(failed(TransportErrorKind::Protocol, &doing, error)),
            },
        }
    })
    .await?;
    *shared.lapin.lock() = Some(Arc::new(connected));
    if shared.end_cause().is_some() {
        let cause = shared.closed().await;
        drop(shared.lapin.lock().take());
        return Err(refused(&cause, &doing));
    }
    unopened.0 = None;
    Ok(shared)
}

fn login(credentials: &Credentials) -> String {
    match credentials {
        Credentials::Plain { username, .. } => format!("`{username}`"),
        Credentials::External => "the name in its certificate".into(),
    }
}

fn refused(cause: &CloseCause, doing: &str) -> TransportError {
    let kind = match cause.code {
        403 => TransportErrorKind::Authentication,
        530 => TransportErrorKind::VirtualHost,
        0 if cause.text.starts_with("protocol error") => TransportErrorKind::Protocol,
        // In TLS 1.3 it comes behind the handshake.
        0 if refuses_our_certificate(&cause.text) => TransportErrorKind::Certificate,
        code => TransportErrorKind::ConnectionClosed(code),
    };
    failed(kind, doing, cause)
}

/// Whether the broker said in TLS that it does not take our certificate, or wants one.
fn refuses_our_certificate(text: &str) -> bool {
    let alert = text.rsplit_once("received fatal alert: ");
    alert.is_some_and(|(_, alert)| alert.contains("Certificate") || alert == "UnknownCA")
}

/// What lapin takes for a login: the link writes the real one.
struct Placeholder(&'static str);

impl lapin::auth::AuthProvider for Placeholder {
    fn mechanism(&self) -> lapin::types::ShortString {
        self.0.into()
    }
}

fn control_plane(
    shared: Arc<Shared>,
    vhost: String,
    credentials: &Credentials,
) -> impl Future<Output = lapin::Result<lapin::Connection>> + Send + 'static {
    let mechanism = match credentials {
        Credentials::Plain { .. } => "PLAIN",
        Credentials::External => "EXTERNAL",
    };
    let uri = AMQPUri {
        scheme: AMQPScheme::AMQP,
        authority: AMQPAuthority::default(),
        vhost,
        query: AMQPQueryString {
            // Small until the rewritten tune comes: lapin allocates 32 frames twice.
            frame_max: Some(32 * 1024),
            heartbeat: Some(0),
            ..AMQPQueryString::default()
        },
    };
    let parts = async_rs::util::RuntimeParts::new(async_rs::Tokio::current(), PipeReactor);
    let runtime = async_rs::Runtime::new(parts);
    let end = Mutex::new(Some(LapinEnd::new(shared)));
    let connect = async move |_: AMQPUri, _: async_rs::Runtime<_>| {
        // One stream, one connection: there is no second attempt on this link.
        let end = end.lock().take();
        end.map(|end| lapin::tcp::AsyncTcpStream::Plain(end.compat()))
            .ok_or_else(|| {
                lapin::ErrorKind::InvalidConnectionState(lapin::ConnectionState::Closed).into()
            })
    };
    let properties =
        lapin::ConnectionProperties::default().with_auth_provider(Placeholder(mechanism));
    lapin::Connection::connector(uri, runtime, connect, properties)
}
