//! Any bytes a client may send: the broker answers, closes, or drops the link, and never panics or hangs.
//!
//! `cargo +nightly fuzz run conversation` in the folder `rmq-embedded`.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use rmq_embedded::EmbeddedBroker;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Header, start-ok (guest), tune-ok, open, channel.open: what follows is read on an open channel.
const LOGIN: &[u8] = b"AMQP\x00\x00\x09\x01\
    \x01\x00\x00\x00\x00\x00\x24\x00\x0a\x00\x0b\x00\x00\x00\x00\x05PLAIN\x00\x00\x00\x0c\x00guest\x00guest\x05en_US\xce\
    \x01\x00\x00\x00\x00\x00\x0c\x00\x0a\x00\x1f\x07\xff\x00\x02\x00\x00\x00\x00\xce\
    \x01\x00\x00\x00\x00\x00\x08\x00\x0a\x00\x28\x01/\x00\x00\xce\
    \x01\x00\x01\x00\x00\x00\x05\x00\x14\x00\x0a\x00\xce";

fuzz_target!(|input: (bool, &[u8])| {
    let (logged_in, bytes) = input;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let broker = EmbeddedBroker::start().await.unwrap();
        let (mut reader, mut writer) = tokio::io::split(broker.connect());
        let talk = async {
            let login = if logged_in { LOGIN } else { b"" };
            // A broker that closes early has given its answer.
            drop(writer.write_all(&[login, bytes].concat()).await);
            drop(writer.shutdown().await);
            drop(reader.read_to_end(&mut Vec::new()).await);
        };
        tokio::time::timeout(Duration::from_secs(20), talk).await.expect("neither answer nor close");
    });
});
