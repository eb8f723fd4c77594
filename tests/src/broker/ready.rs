use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use super::BrokerError;

const PROTOCOL_HEADER: &[u8; 8] = b"AMQP\x00\x00\x09\x01";
const METHOD_FRAME: u8 = 1;
const EACH_WAIT: Duration = Duration::from_secs(2);
const BETWEEN: Duration = Duration::from_millis(100);

/// Waits until a broker at `port` begins the AMQP handshake; a child that ends meanwhile is an error at once.
pub(crate) fn wait_for_broker(
    child: &mut Child,
    port: u16,
    deadline: Duration,
) -> Result<(), BrokerError> {
    let until = Instant::now() + deadline;
    while !greets(port) {
        let ended = child
            .try_wait()
            .map_err(BrokerError::io("looking after a private broker"))?;
        if let Some(status) = ended {
            return Err(BrokerError::new(format!(
                "the broker ended while starting, with {status}"
            )));
        }
        if Instant::now() > until {
            return Err(BrokerError::new(format!(
                "no broker answered on port {port} within {deadline:?}"
            )));
        }
        thread::sleep(BETWEEN);
    }
    Ok(())
}

/// Waits until somebody listens at `port`.
pub(crate) fn wait_for_listener(port: u16, deadline: Duration) -> Result<(), BrokerError> {
    let until = Instant::now() + deadline;
    while !is_listening(port) {
        if Instant::now() > until {
            return Err(BrokerError::new(format!(
                "nobody listened on port {port} in {deadline:?}"
            )));
        }
        thread::sleep(BETWEEN / 10);
    }
    Ok(())
}

pub(crate) fn is_listening(port: u16) -> bool {
    connect(port).is_some()
}

fn greets(port: u16) -> bool {
    let Some(mut stream) = connect(port) else {
        return false;
    };
    let mut first = [0];
    stream.set_read_timeout(Some(EACH_WAIT)).is_ok()
        && stream.write_all(PROTOCOL_HEADER).is_ok()
        && stream.read_exact(&mut first).is_ok()
        && first[0] == METHOD_FRAME
}

fn connect(port: u16) -> Option<TcpStream> {
    TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), EACH_WAIT).ok()
}
