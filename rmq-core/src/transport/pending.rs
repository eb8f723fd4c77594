//! Publishes that wait for the broker's word.

use uuid::Uuid;

use crate::message::ReturnedMessage;

use super::tags::Tags;
use super::{Pending, Returns, Token, Verdict};

#[derive(Debug)]
struct Entry {
    token: Token,
    returns: Returns,
    returned: Option<Box<ReturnedMessage>>,
}

/// The list of one publishing channel: a publish enters before its bytes leave, under the tag that the broker will
/// count for it.
#[derive(Debug, Default)]
pub(super) struct PendingPublishes {
    entries: Tags<Entry>,
    last: u64,
    /// The publish that was found last by its id.
    found: u64,
}

/// The broker spoke of a tag that is not waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UnknownTag;

impl PendingPublishes {
    /// Takes the next tag for a publish.
    pub(super) fn enter(&mut self, token: Token, returns: Returns) -> u64 {
        self.last += 1;
        let entry = Entry {
            token,
            returns,
            returned: None,
        };
        self.entries.push(self.last, entry);
        self.last
    }

    /// The tag of the publish with this id. The broker returns in the order of the publishes, so the search goes on
    /// where the last one ended, and a thousand returns together walk over the list once.
    pub(super) fn tag_of(&mut self, id: Uuid) -> Option<u64> {
        let wanted = |entry: &Entry| entry.returns == Returns::ById(id);
        self.found = self.entries.find(self.found, wanted)?;
        Some(self.found)
    }

    /// Whether the publish with this tag is found by its private header.
    pub(super) fn is_by_header(&mut self, tag: u64) -> bool {
        let entry = self.entries.get_mut(tag);
        entry.is_some_and(|entry| entry.returns == Returns::ByHeader)
    }

    /// Takes back the publish entered last: nothing of it was written.
    pub(super) fn retract(&mut self) {
        self.entries.unpush(self.last);
        self.last -= 1;
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// A return: the ack that settles it follows.
    pub(super) fn returned(
        &mut self,
        tag: u64,
        message: Box<ReturnedMessage>,
    ) -> Result<(), UnknownTag> {
        self.entries.get_mut(tag).ok_or(UnknownTag)?.returned = Some(message);
        Ok(())
    }

    /// An ack or a nack, of one or of all up to it; tag zero means all.
    pub(super) fn settle(
        &mut self,
        tag: u64,
        multiple: bool,
        nack: bool,
        verdicts: &mut Vec<(Token, Verdict)>,
    ) -> Result<(), UnknownTag> {
        if !multiple {
            let entry = self.entries.take(tag).ok_or(UnknownTag)?;
            verdicts.push(verdict(entry, nack));
            return Ok(());
        }
        if tag > self.last {
            return Err(UnknownTag);
        }
        let up_to = if tag == 0 { self.last } else { tag };
        while self.entries.first().is_some_and(|(tag, _)| tag <= up_to) {
            if let Some((_, entry)) = self.entries.pop_first() {
                verdicts.push(verdict(entry, nack));
            }
        }
        Ok(())
    }

    /// Everything without a verdict, in tag order.
    pub(super) fn drain(&mut self) -> Vec<Pending> {
        let entries = self.entries.drain();
        entries
            .map(|(_, entry)| Pending {
                token: entry.token,
                returned: entry.returned,
            })
            .collect()
    }
}

fn verdict(entry: Entry, nack: bool) -> (Token, Verdict) {
    let verdict = match (entry.returned, nack) {
        (Some(returned), _) => Verdict::Returned(returned),
        (None, false) => Verdict::Ack,
        (None, true) => Verdict::Nack,
    };
    (entry.token, verdict)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::message::Message;

    fn returned() -> Box<ReturnedMessage> {
        let none = Default::default;
        Box::new(ReturnedMessage::new(
            Message::new("m"),
            312,
            "NO_ROUTE".into(),
            none(),
            none(),
        ))
    }

    fn settled(list: &mut PendingPublishes, tag: u64, multiple: bool, nack: bool) -> Vec<String> {
        let mut verdicts = Vec::new();
        list.settle(tag, multiple, nack, &mut verdicts).unwrap();
        let name = |verdict| match verdict {
            Verdict::Ack => "ack",
            Verdict::Nack => "nack",
            Verdict::Returned(_) => "returned",
        };
        verdicts
            .into_iter()
            .map(|(token, verdict)| format!("{token} {}", name(verdict)))
            .collect()
    }

    #[test]
    fn verdicts_come_in_the_brokers_order_and_a_return_belongs_to_its_ack() {
        let mut list = PendingPublishes::default();
        for token in 11..=16 {
            list.enter(token, Returns::ByHeader);
        }
        list.returned(4, returned()).unwrap();
        assert_eq!(settled(&mut list, 3, false, true), ["13 nack"]);
        assert_eq!(
            settled(&mut list, 4, true, false),
            ["11 ack", "12 ack", "14 returned"]
        );
        list.returned(6, returned()).unwrap();
        let left = list.drain();
        assert_eq!(
            left.iter().map(|pending| pending.token).collect::<Vec<_>>(),
            [15, 16]
        );
        assert!(
            left.first().unwrap().returned.is_none() && left.last().unwrap().returned.is_some()
        );
    }

    #[test]
    fn a_tag_that_is_not_waiting_is_told() {
        let mut list = PendingPublishes::default();
        list.enter(1, Returns::ByHeader);
        let mut none = Vec::new();
        assert_eq!(list.settle(2, false, false, &mut none), Err(UnknownTag));
        assert_eq!(list.settle(2, true, false, &mut none), Err(UnknownTag));
        assert_eq!(list.returned(2, returned()), Err(UnknownTag));
        assert!(settled(&mut list, 1, false, false) == ["1 ack"]);
        assert_eq!(list.settle(1, false, false, &mut none), Err(UnknownTag));
    }

    #[test]
    fn a_return_is_found_by_an_id_of_ours_and_by_no_other() {
        let mut list = PendingPublishes::default();
        let ids: Vec<Uuid> = (0..5).map(|_| Uuid::new_v4()).collect();
        for (token, id) in ids.iter().enumerate() {
            list.enter(token as u64, Returns::ById(*id));
        }
        list.enter(5, Returns::ByHeader);
        assert!(list.is_by_header(6) && !list.is_by_header(1) && !list.is_by_header(7));
        assert_eq!(list.tag_of(ids[3]), Some(4));
        assert_eq!(list.tag_of(ids[4]), Some(5));
        assert_eq!(
            list.tag_of(ids[0]),
            Some(1),
            "out of the broker's order, too"
        );
        assert_eq!(list.tag_of(Uuid::new_v4()), None);
        settled(&mut list, 1, false, false);
        assert_eq!(list.tag_of(ids[0]), None, "its verdict has come");
        assert_eq!(list.tag_of(ids[1]), Some(2));
    }

    #[test]
    fn a_retracted_publish_gives_its_tag_back() {
        let mut list = PendingPublishes::default();
        assert_eq!(list.enter(1, Returns::Never), 1);
        list.retract();
        assert_eq!(list.enter(2, Returns::Never), 1);
        assert_eq!(list.len(), 1);
    }
}
