use bytes::Bytes;

use super::{AMQPClass, Channel, Content, Event, Frame, Message, RawError, basic};

/// What the broker said about one publish in confirm mode.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It has it.
    Acked,
    /// It refused it.
    Nacked,
    /// No queue took it; the ack came after.
    Returned(Box<Message>),
}

impl Channel {
    /// The frames of a publish, bodies cut at the frame size that was agreed.
    ///
    /// # Errors
    /// The method can't be written.
    pub fn publish_frames(
        &self,
        method: basic::Publish,
        content: &Content,
    ) -> Result<Vec<Frame>, RawError> {
        use super::Method;
        let id = self.id();
        let mut frames = vec![
            Frame::method(id, method.wrap())?,
            Frame::header(id, content.body.len() as u64, &content.properties),
        ];
        let agreed = self.connection().agreed().frame_max;
        let room = if agreed == 0 {
            usize::MAX
        } else {
            agreed as usize - 8
        };
        let mut rest: Bytes = content.body.clone();
        while !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(room));
            frames.push(Frame::body(id, piece));
        }
        Ok(frames)
    }

    /// Publishes without mandatory and waits for nothing.
    ///
    /// # Errors
    /// The broker is gone.
    pub async fn publish(
        &self,
        exchange: &str,
        routing_key: &str,
        content: Content,
    ) -> Result<(), RawError> {
        self.publish_with(exchange, routing_key, false, content)
            .await
    }

    /// Publishes and waits for nothing.
    ///
    /// # Errors
    /// The broker is gone.
    pub async fn publish_with(
        &self,
        exchange: &str,
        routing_key: &str,
        mandatory: bool,
        content: Content,
    ) -> Result<(), RawError> {
        let method = basic::Publish {
            exchange: exchange.into(),
            routing_key: routing_key.into(),
            mandatory,
            immediate: false,
        };
        let frames = self.publish_frames(method, &content)?;
        self.connection().send_frames(&frames).await
    }

    /// Publishes with mandatory on a channel in confirm mode and waits for the verdict.
    ///
    /// # Errors
    /// The broker closed, or said something else first.
    pub async fn publish_and_wait(
        &self,
        exchange: &str,
        routing_key: &str,
        content: Content,
    ) -> Result<Verdict, RawError> {
        self.publish_with(exchange, routing_key, true, content)
            .await?;
        let mut returned = None;
        loop {
            match self.event().await? {
                Event::Message(message) if message.returned.is_some() => {
                    returned = Some(Box::new(message));
                }
                Event::Method(AMQPClass::Basic(basic::AMQPMethod::Ack(_))) => {
                    return Ok(returned.map_or(Verdict::Acked, Verdict::Returned));
                }
                Event::Method(AMQPClass::Basic(basic::AMQPMethod::Nack(_))) => {
                    return Ok(Verdict::Nacked);
                }
                Event::Method(other) => {
                    return Err(super::connection::unexpected("a verdict", other));
                }
                other => {
                    return Err(RawError::new(format!(
                        "a verdict was due, and {other:?} came"
                    )));
                }
            }
        }
    }
}
