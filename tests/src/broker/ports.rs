use std::env;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};

use super::BrokerError;

/// Below the range that Linux gives to outgoing connections: a node that was killed must be able to
/// take its port again, even when a thousand clients reconnect meanwhile.
const RANGE: std::ops::Range<u16> = 15_000..31_000;
const ATTEMPTS: usize = 1_000;

/// A port of the loopback interface that nobody listens on, kept from other runs of these tests by a
/// locked file for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    pub(crate) fn reserve() -> Result<Self, BrokerError> {
        let folder = env::temp_dir().join("rmq-tests-ports");
        fs::create_dir_all(&folder)
            .map_err(BrokerError::io(format!("making {}", folder.display())))?;
        for _ in 0..ATTEMPTS {
            let number = fastrand::u16(RANGE);
            let path = folder.join(number.to_string());
            let lock = File::create(&path)
                .map_err(BrokerError::io(format!("opening {}", path.display())))?;
            if lock.try_lock().is_ok() && is_free(number) {
                return Ok(Self {
                    number,
                    _lock: lock,
                });
            }
        }
        Err(BrokerError::new(format!(
            "found no free port in {RANGE:?} in {ATTEMPTS} attempts"
        )))
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}

fn is_free(number: u16) -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, number)).is_ok()
}
