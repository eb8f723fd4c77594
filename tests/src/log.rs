//! What a program writes down, at its finest, to be searched for what must not be there.

use std::io::Write;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tracing_subscriber::fmt::MakeWriter;

/// Everything that this process logs, from TRACE up: lapin has a thread of its own, so the subscriber is the whole process's.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// The log of this process, which begins at the first call.
    ///
    /// # Panics
    /// Where the process has another subscriber: nothing would be heard.
    #[must_use]
    #[allow(clippy::expect_used, reason = "a test fails by panicking")]
    pub fn of_this_process() -> Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        let log = LOG.get_or_init(|| {
            let log = Self::default();
            let subscriber = tracing_subscriber::fmt()
                .with_max_level(tracing::Level::TRACE)
                .with_ansi(false)
                .with_writer(log.clone());
            tracing::subscriber::set_global_default(subscriber.finish())
                .expect("the only subscriber");
            log
        });
        log.clone()
    }

    /// What was written so far.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock()).into_owned()
    }

    /// The first line that holds one of these words: as text, as a list of numbers in a `Debug`, or as hex.
    #[must_use]
    pub fn line_with(&self, secrets: &[&str]) -> Option<String> {
        let forms: Vec<String> = secrets.iter().flat_map(|secret| forms(secret)).collect();
        let text = self.text();
        let told = |line: &&str| forms.iter().any(|form| line.contains(form));
        text.lines().find(told).map(str::to_owned)
    }
}

fn forms(secret: &str) -> [String; 4] {
    let numbers: Vec<String> = secret.bytes().map(|byte| byte.to_string()).collect();
    let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    [
        secret.to_owned(),
        numbers.join(", "),
        numbers.join(","),
        hex,
    ]
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
