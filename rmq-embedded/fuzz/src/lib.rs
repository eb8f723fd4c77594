//! What the fuzz targets share: a sound conversation, and a broker to feed.

use std::time::Duration;

use rmq_embedded::EmbeddedBroker;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The protocol header, start-ok as guest, tune-ok, connection.open, and channel.open of channel 1.
pub const LOGIN: &[u8] = b"AMQP\x00\x00\x09\x01\
    \x01\x00\x00\x00\x00\x00\x24\x00\x0a\x00\x0b\x00\x00\x00\x00\x05PLAIN\x00\x00\x00\x0c\x00guest\x00guest\x05en_US\xce\
    \x01\x00\x00\x00\x00\x00\x0c\x00\x0a\x00\x1f\x07\xff\x00\x02\x00\x00\x00\x00\xce\
    \x01\x00\x00\x00\x00\x00\x08\x00\x0a\x00\x28\x01/\x00\x00\xce\
    \x01\x00\x01\x00\x00\x00\x05\x00\x14\x00\x0a\x00\xce";

/// What may follow: confirm.select, queue.declare `q` with `x-max-priority`, basic.consume, a publish with headers and
/// an expiration, an ack, basic.get, a nack of everything, tx.select on channel 2.
pub fn recorded() -> Vec<u8> {
    let mut bytes = LOGIN.to_vec();
    let mut add = |kind, channel, payload: &[u8]| frame(&mut bytes, kind, channel, payload);
    add(1, 1, b"\x00\x55\x00\x0a\x00");
    add(1, 1, b"\x00\x32\x00\x0a\x00\x00\x01q\x02\x00\x00\x00\x14\x0ex-max-priorityI\x00\x00\x00\x05");
    add(1, 1, b"\x00\x3c\x00\x14\x00\x00\x01q\x01c\x00\x00\x00\x00\x00");
    add(1, 1, b"\x00\x3c\x00\x28\x00\x00\x00\x01q\x01");
    add(
        2,
        1,
        b"\x00\x3c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x31\x00\x00\x00\x00\x08\x01kS\x00\x00\x00\x01v\x02\x0560000",
    );
    add(3, 1, b"body");
    add(1, 1, b"\x00\x3c\x00\x50\x00\x00\x00\x00\x00\x00\x00\x01\x00");
    add(1, 1, b"\x00\x3c\x00\x46\x00\x00\x01q\x00");
    add(1, 1, b"\x00\x3c\x00\x78\x00\x00\x00\x00\x00\x00\x00\x00\x01");
    add(1, 2, b"\x00\x14\x00\x0a\x00");
    add(1, 2, b"\x00\x5a\x00\x0a");
    bytes
}

/// Appends a whole frame.
pub fn frame(bytes: &mut Vec<u8>, kind: u8, channel: u16, payload: &[u8]) {
    bytes.push(kind);
    bytes.extend_from_slice(&channel.to_be_bytes());
    bytes.extend_from_slice(&(payload.len() as u32).to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes.push(0xCE);
}

/// Sends bytes to a fresh broker, says there are no more, and reads until the broker has closed its side. Gives what it
/// said.
pub fn feed(bytes: &[u8]) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let broker = EmbeddedBroker::start().await.unwrap();
        let (mut reader, mut writer) = tokio::io::split(broker.connect());
        let mut answer = Vec::new();
        let talk = async {
            // A broker that closes early has given its answer.
            let sent = writer.write_all(bytes).await;
            drop((sent, writer.shutdown().await));
            drop(reader.read_to_end(&mut answer).await);
        };
        tokio::time::timeout(Duration::from_secs(20), talk)
            .await
            .expect("neither an answer nor a close");
        answer
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_conversation_is_sound() {
        let answer = feed(&recorded());
        let method = |class, method| {
            let wanted = [0, class, 0, method];
            answer.windows(4).any(|bytes| bytes == wanted)
        };
        assert!(!method(10, 50), "connection.close: {answer:?}");
        assert!(!method(20, 40), "channel.close: {answer:?}");
        assert!(method(60, 60), "the delivery");
        assert!(method(90, 11), "tx.select-ok, the last answer");
    }
}
