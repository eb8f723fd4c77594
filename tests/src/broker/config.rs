use std::fmt::Write as _;
use std::time::Duration;

/// The certificate, key and authority of a TLS listener, as PEM.
#[derive(Clone)]
pub struct TlsFiles {
    /// The authority that client certificates are checked against.
    pub ca: String,
    /// The node's certificate chain.
    pub certificate: String,
    /// The node's private key.
    pub key: String,
    /// Whether a client must show a certificate of `ca`. One that is shown is checked in any case.
    pub require_client_certificate: bool,
}

impl std::fmt::Debug for TlsFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsFiles")
            .field(
                "require_client_certificate",
                &self.require_client_certificate,
            )
            .finish_non_exhaustive()
    }
}

/// What a private node is told in its `rabbitmq.conf`.
///
/// The default takes messages up to 128 MiB, keeps RabbitMQ's own consumer timeout and loads no plugin.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    max_message_size: u64,
    consumer_timeout: Option<Duration>,
    tls: Option<TlsFiles>,
    plugins: Vec<String>,
    lines: Vec<String>,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            max_message_size: 128 * 1024 * 1024,
            consumer_timeout: None,
            tls: None,
            plugins: Vec::new(),
            lines: Vec::new(),
        }
    }
}

impl NodeConfig {
    /// The largest body the node takes, in bytes. Default 128 MiB; RabbitMQ allows 512 MiB at most.
    #[must_use]
    pub fn max_message_size(mut self, bytes: u64) -> Self {
        self.max_message_size = bytes;
        self
    }

    /// How long a delivery may stay unsettled before the node closes its channel. Checked every second,
    /// not every minute as RabbitMQ does by itself.
    #[must_use]
    pub fn consumer_timeout(mut self, timeout: Duration) -> Self {
        self.consumer_timeout = Some(timeout);
        self
    }

    /// Opens a TLS listener beside the plain one: see [`super::Node::tls_port`].
    #[must_use]
    pub fn tls(mut self, files: TlsFiles) -> Self {
        self.tls = Some(files);
        self
    }

    /// Loads a plugin of the package, `rabbitmq_management` for one.
    #[must_use]
    pub fn plugin(mut self, name: &str) -> Self {
        self.plugins.push(name.to_owned());
        self
    }

    /// Adds a line to `rabbitmq.conf`, `channel_max = 16` for one.
    #[must_use]
    pub fn line(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    pub(crate) fn tls_files(&self) -> Option<&TlsFiles> {
        self.tls.as_ref()
    }

    pub(crate) fn enabled_plugins(&self) -> String {
        format!("[{}].\n", self.plugins.join(","))
    }

    /// `rabbitmq.conf` for a node whose files are in `folder` as the node sees it.
    pub(crate) fn text(
        &self,
        folder: &str,
        port: u16,
        tls_port: Option<u16>,
        peers: &[String],
    ) -> String {
        let mut text = String::new();
        let mut line = |key: &str, value: &str| {
            let _ = writeln!(text, "{key} = {value}");
        };
        line("listeners.tcp.local", &format!("127.0.0.1:{port}"));
        line("max_message_size", &self.max_message_size.to_string());
        line("log.console", "false");
        line("log.file.level", "info");
        line("disk_free_limit.absolute", "100MB");
        if let Some(timeout) = self.consumer_timeout {
            line("consumer_timeout", &timeout.as_millis().to_string());
        }
        if let (Some(tls), Some(tls_port)) = (&self.tls, tls_port) {
            line("listeners.ssl.local", &format!("127.0.0.1:{tls_port}"));
            line("ssl_options.cacertfile", &format!("{folder}/ca.pem"));
            line("ssl_options.certfile", &format!("{folder}/certificate.pem"));
            line("ssl_options.keyfile", &format!("{folder}/key.pem"));
            let wanted = tls.require_client_certificate;
            line("ssl_options.verify", "verify_peer");
            line("ssl_options.fail_if_no_peer_cert", &wanted.to_string());
        }
        if peers.len() > 1 {
            line("cluster_formation.peer_discovery_backend", "classic_config");
            for (at, peer) in peers.iter().enumerate() {
                line(
                    &format!("cluster_formation.classic_config.nodes.{}", at + 1),
                    peer,
                );
            }
        }
        for extra in &self.lines {
            text.push_str(extra);
            text.push('\n');
        }
        text
    }
}
