use super::*;

#[derive(Debug)]
struct Settlements(
    parking_lot::Mutex<Vec<Acknowledgement>>,
    Result<(), AcknowledgeError>,
);

impl ManualSettlement for Arc<Settlements> {
    fn settle(&self, acknowledgement: Acknowledgement) -> Result<(), AcknowledgeError> {
        self.1?;
        self.0.lock().push(acknowledgement);
        Ok(())
    }
}

fn acknowledger(answer: Result<(), AcknowledgeError>) -> (Acknowledger, Arc<Settlements>) {
    let settlements = Arc::new(Settlements(parking_lot::Mutex::default(), answer));
    (
        Acknowledger::new(Box::new(settlements.clone())),
        settlements,
    )
}

#[test]
fn a_delivery_is_settled_by_hand_once_and_the_first_stands() {
    let (acknowledger, settlements) = acknowledger(Ok(()));
    let context = context(Message::default()).with_acknowledger(acknowledger.clone());
    let taken = take(argument::<Acknowledger, _>("a"), &context).unwrap();
    taken.reject().unwrap();
    let again = acknowledger.ack().unwrap_err();
    assert_eq!(
        again,
        AcknowledgeError::AlreadySettled(Acknowledgement::Reject)
    );
    assert_eq!(*settlements.0.lock(), [Acknowledgement::Reject]);
    assert_eq!(
        context.acknowledger().unwrap().settled(),
        Some(Acknowledgement::Reject)
    );
}

#[test]
fn what_could_not_be_settled_is_not_settled() {
    let (acknowledger, _) = acknowledger(Err(AcknowledgeError::ChannelEnded));
    assert_eq!(acknowledger.ack(), Err(AcknowledgeError::ChannelEnded));
    assert_eq!(acknowledger.settled(), None);
}

#[test]
fn outside_manual_mode_there_is_no_acknowledger() {
    let rejection = take(
        argument::<Acknowledger, _>("a"),
        &context(Message::default()),
    );
    assert_eq!(
        rejection.unwrap_err().kind(),
        &RejectionKind::NoAcknowledger
    );
}
