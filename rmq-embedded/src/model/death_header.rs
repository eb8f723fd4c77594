//! The `x-death` header and its companions, as RabbitMQ writes them: 3.10 the
//! first death, 3.13 and 4 the last one, too.

use super::routing::extra_keys;
use crate::wire::table::{RawTable, RawValue, TableWriter, write_long_bytes, write_long_string};

/// One death of a message.
#[derive(Debug)]
pub(crate) struct Death<'a> {
    pub(crate) queue: &'a str,
    pub(crate) reason: &'a str,
    /// The exchange and key it came to the queue with.
    pub(crate) exchange: &'a str,
    pub(crate) routing_key: &'a str,
    /// Its expiration property, which is dropped.
    pub(crate) expiration: Option<&'a [u8]>,
    /// Since 1970.
    pub(crate) seconds: u64,
}

const X_DEATH: &[u8] = b"x-death";
const X_LAST_DEATH: &[u8] = b"x-last-death-";

impl Death<'_> {
    /// The header entries of the message after this death.
    ///
    /// The newest death stands first; a death of the same queue and reason is counted, not written twice.
    /// With a new key the `CC` header goes, as it would otherwise route once more.
    pub(crate) fn headers(&self, old: RawTable<'_>, new_key: bool) -> Vec<u8> {
        let mut headers = TableWriter::default();
        for (key, value) in old.entries().filter_map(Result::ok) {
            let replaced =
                key == X_DEATH || key.starts_with(X_LAST_DEATH) || new_key && key == b"CC";
            if !replaced {
                headers.raw(key, value);
            }
        }
        let deaths = old.get("x-death").filter(|value| value.kind == b'A');
        headers.array("x-death", &self.deaths(deaths, old));
        if old.get("x-death").is_none() {
            self.summary("x-first-death", &mut headers);
        }
        self.summary("x-last-death", &mut headers);
        headers.0
    }

    /// Queue, reason and exchange of this death under one prefix.
    fn summary(&self, prefix: &str, headers: &mut TableWriter) {
        headers.long_string(&format!("{prefix}-queue"), self.queue.as_bytes());
        headers.long_string(&format!("{prefix}-reason"), self.reason.as_bytes());
        headers.long_string(&format!("{prefix}-exchange"), self.exchange.as_bytes());
    }

    fn deaths(&self, earlier: Option<RawValue<'_>>, headers: RawTable<'_>) -> Vec<u8> {
        let earlier = || {
            earlier
                .and_then(|value| value.as_array())
                .into_iter()
                .flatten()
        };
        let same =
            earlier().find_map(|death| death.as_table().filter(|death| self.is_same(*death)));
        let mut array = Vec::new();
        array.push(b'F');
        match same {
            Some(death) => write_long_bytes(&mut array, &counted(death)),
            None => write_long_bytes(&mut array, &self.first(headers)),
        }
        for death in
            earlier().filter(|death| !death.as_table().is_some_and(|one| self.is_same(one)))
        {
            death.write(&mut array);
        }
        array
    }

    fn is_same(&self, death: RawTable<'_>) -> bool {
        text(death, "queue") == Some(self.queue.as_bytes())
            && text(death, "reason") == Some(self.reason.as_bytes())
    }

    fn first(&self, headers: RawTable<'_>) -> Vec<u8> {
        let mut keys = Vec::new();
        write_long_string(&mut keys, self.routing_key.as_bytes());
        for key in extra_keys(Some(headers)) {
            write_long_string(&mut keys, key.as_bytes());
        }
        let mut death = TableWriter::default();
        death.long("count", 1);
        death.long_string("reason", self.reason.as_bytes());
        death.long_string("queue", self.queue.as_bytes());
        death.timestamp("time", self.seconds);
        death.long_string("exchange", self.exchange.as_bytes());
        death.array("routing-keys", &keys);
        if let Some(expiration) = self.expiration {
            death.long_string("original-expiration", expiration);
        }
        death.0
    }
}

/// An earlier death with its count one higher.
fn counted(death: RawTable<'_>) -> Vec<u8> {
    let count = death
        .get("count")
        .and_then(|value| value.as_integer())
        .unwrap_or(0);
    let mut out = TableWriter::default();
    out.long("count", count + 1);
    for (key, value) in death
        .entries()
        .filter_map(Result::ok)
        .filter(|(key, _)| *key != b"count")
    {
        out.raw(key, value);
    }
    out.0
}

fn text<'a>(death: RawTable<'a>, key: &str) -> Option<&'a [u8]> {
    death.get(key)?.as_long_string()
}

/// Whether a message died in `queue` before, and no consumer rejected it since.
pub(crate) fn is_cycle(headers: Option<RawTable<'_>>, queue: &[u8]) -> bool {
    let deaths = headers.and_then(|headers| headers.get("x-death")?.as_array());
    for death in deaths
        .into_iter()
        .flatten()
        .filter_map(|death| death.as_table())
    {
        if text(death, "reason") == Some(b"rejected") {
            return false;
        }
        if text(death, "queue") == Some(queue) {
            return true;
        }
    }
    false
}
