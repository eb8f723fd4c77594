use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::Installation;
use super::guard::{CLUSTER_MARK, NODE_MARK};
use super::layout::{Layout, NodePlan};

/// In a mount namespace of its own, so that no mount is left behind: `$1` is the root folder, `$2` the
/// cluster's folder, the rest the program.
const ENTER_ROOT: &str = r#"
set -e
root=$1; folder=$2; shift 2
mount -t proc proc "$root/proc"
mount --bind "$folder" "$root/mnt"
exec chroot "$root" "$@"
"#;
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Layout {
    /// A program of RabbitMQ that serves or asks `node`.
    pub(crate) fn node_program(&self, program: &str, node: &NodePlan) -> Command {
        let mut command = self.program(&self.installation().programs().join(program));
        let folder = self.seen_node_folder(node);
        let set = |command: &mut Command, name: &str, value: &dyn AsRef<OsStr>| {
            command.env(name, value);
        };
        set(&mut command, "RABBITMQ_NODENAME", &node.name());
        set(
            &mut command,
            "RABBITMQ_CONFIG_FILE",
            &folder.join("rabbitmq.conf"),
        );
        set(
            &mut command,
            "RABBITMQ_CONFIG_FILES",
            &folder.join("conf.d"),
        );
        set(
            &mut command,
            "RABBITMQ_ADVANCED_CONFIG_FILE",
            &folder.join("advanced.config"),
        );
        // Not the machine's own settings, where a broker is installed for other purposes.
        set(
            &mut command,
            "RABBITMQ_CONF_ENV_FILE",
            &folder.join("rabbitmq-env.conf"),
        );
        set(&mut command, "RABBITMQ_MNESIA_BASE", &folder.join("data"));
        set(&mut command, "RABBITMQ_LOG_BASE", &folder.join("log"));
        set(
            &mut command,
            "RABBITMQ_ENABLED_PLUGINS_FILE",
            &folder.join("enabled_plugins"),
        );
        set(&mut command, "RABBITMQ_PID_FILE", &folder.join("pid"));
        set(
            &mut command,
            "RABBITMQ_DIST_PORT",
            &node.distribution_port.to_string(),
        );
        // `rabbitmqctl` is a node, too: enough ports for many at once.
        let tool_ports = node.distribution_port + 10_000;
        set(
            &mut command,
            "RABBITMQ_CTL_DIST_PORT_MIN",
            &tool_ports.to_string(),
        );
        set(
            &mut command,
            "RABBITMQ_CTL_DIST_PORT_MAX",
            &(tool_ports + 60).to_string(),
        );
        // Schedulers that spin while they wait would take the cores from what is tested. The tick is how often a
        // channel looks for deliveries beyond the consumer timeout; rabbitmq.conf has no name for it.
        set(
            &mut command,
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            &"-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none \
                -rabbit channel_tick_interval 1000",
        );
        command
    }

    /// The server itself, marked so that it can be killed alone.
    pub(crate) fn server(&self, node: &NodePlan) -> Command {
        let mut command = self.node_program("rabbitmq-server", node);
        command
            .env(NODE_MARK, self.node_folder(node))
            .process_group(0);
        command
    }

    /// The port mapper of this cluster alone.
    pub(crate) fn epmd(&self) -> Command {
        let mut command = self.program(Path::new("/usr/bin/epmd"));
        command
            .arg("-port")
            .arg(self.epmd_port.to_string())
            .process_group(0);
        command
    }

    fn program(&self, path: &Path) -> Command {
        let mut command = match self.installation() {
            Installation::Native => Command::new(path),
            Installation::Root(root) => {
                let mut command = Command::new("unshare");
                command
                    .args([
                        "--mount",
                        "--propagation",
                        "private",
                        "sh",
                        "-c",
                        ENTER_ROOT,
                        "sh",
                    ])
                    .arg(root)
                    .arg(&self.folder)
                    .arg(path);
                command
            }
        };
        command
            .env_clear()
            .env("PATH", PATH)
            .env("LANG", "C.UTF-8")
            .env("HOME", self.seen_folder())
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env(CLUSTER_MARK, &self.folder)
            .current_dir("/")
            .stdin(Stdio::null());
        command
    }
}
