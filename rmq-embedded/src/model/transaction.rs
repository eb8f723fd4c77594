//! Transactions: publishes and settlements that wait for a commit.

use amq_protocol::protocol::{AMQPClass, tx};

use super::assembly::Complete;
use super::channel::Unacked;
use super::exception::{Exception, Outcome};
use super::state::{At, State};

/// What a channel in tx mode did since its last commit or rollback.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    pub(crate) publishes: Vec<Complete>,
    pub(crate) settled: Vec<(Unacked, Settlement)>,
}

/// What is to become of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    Ack,
    Requeue,
    Reject,
}

impl State {
    /// A method of class tx.
    pub(crate) fn tx_method(&mut self, at: At, method: &tx::AMQPMethod) -> Outcome {
        let answer = match method {
            tx::AMQPMethod::Select(_) => {
                let channel = self.channel(at)?;
                if channel.confirms.is_some() {
                    let text = "cannot switch from confirm to tx mode";
                    return Err(Exception::precondition_failed(text));
                }
                channel.transaction.get_or_insert_with(Transaction::default);
                tx::AMQPMethod::SelectOk(tx::SelectOk {})
            }
            tx::AMQPMethod::Commit(_) => {
                self.commit(at)?;
                tx::AMQPMethod::CommitOk(tx::CommitOk {})
            }
            tx::AMQPMethod::Rollback(_) => {
                self.rollback(at)?;
                tx::AMQPMethod::RollbackOk(tx::RollbackOk {})
            }
            _ => return Err(Exception::command_invalid("unimplemented method")),
        };
        self.send(at, AMQPClass::Tx(answer));
        Ok(())
    }

    /// Ends the transaction under way; a new one begins.
    fn take_transaction(&mut self, at: At) -> Outcome<Transaction> {
        let transaction = self.channel(at)?.transaction.as_mut();
        transaction
            .map(std::mem::take)
            .ok_or_else(|| Exception::precondition_failed("channel is not transactional"))
    }

    fn commit(&mut self, at: At) -> Outcome {
        let transaction = self.take_transaction(at)?;
        for message in transaction.publishes {
            self.publish_now(at, message)?;
        }
        for (delivery, settlement) in transaction.settled {
            let queue = delivery.queue;
            self.settle(at, delivery, settlement);
            self.deliver(queue);
        }
        Ok(())
    }

    /// Publishes are forgotten; deliveries are unsettled as before.
    fn rollback(&mut self, at: At) -> Outcome {
        let transaction = self.take_transaction(at)?;
        let channel = self.channel(at)?;
        channel.unacked.extend(
            transaction
                .settled
                .into_iter()
                .map(|(delivery, _)| delivery),
        );
        channel
            .unacked
            .make_contiguous()
            .sort_unstable_by_key(|delivery| delivery.tag);
        Ok(())
    }
}
