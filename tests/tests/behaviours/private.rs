//! A broker of one test alone, which it may kill and block.

use std::sync::Arc;

use rmq_embedded::EmbeddedBroker;
use rmq_tests::broker::{Node, NodeConfig};
use rmq_tests::raw::{Connection, RawError};

use crate::stage::{Kind, Outcome};

pub(crate) enum Private {
    Embedded(Arc<EmbeddedBroker>),
    Rabbit(Node),
}

impl Private {
    pub(crate) async fn start(kind: Kind) -> Result<Self, RawError> {
        match kind {
            Kind::Embedded => {
                let broker = EmbeddedBroker::start().await;
                let broker = broker.map_err(|error| RawError::new(error.to_string()))?;
                Ok(Self::Embedded(Arc::new(broker)))
            }
            Kind::Rabbit(release) => Ok(Self::Rabbit(Node::start(release, NodeConfig::default())?)),
        }
    }

    /// Kills it and has it back on the same port.
    pub(crate) async fn kill_and_restart(&self) -> Outcome {
        match self {
            Self::Embedded(broker) => {
                broker.kill().await;
                broker
                    .restart()
                    .await
                    .map_err(|error| RawError::new(error.to_string()))
            }
            Self::Rabbit(node) => {
                node.flush_quorum_queues()?;
                node.kill();
                Ok(node.restart()?)
            }
        }
    }

    pub(crate) fn block(&self) -> Outcome {
        match self {
            Self::Embedded(broker) => broker.block(),
            Self::Rabbit(node) => node.block()?,
        }
        Ok(())
    }

    pub(crate) fn unblock(&self) -> Outcome {
        match self {
            Self::Embedded(broker) => broker.unblock(),
            Self::Rabbit(node) => node.unblock()?,
        }
        Ok(())
    }

    pub(crate) async fn connection(&self) -> Result<Connection, RawError> {
        let address = match self {
            Self::Embedded(broker) => broker.address().to_string(),
            Self::Rabbit(node) => node.address(),
        };
        Connection::open(&address).await
    }
}
