//! No secret and no line of a file is ever shown.

use proptest::prelude::*;

use super::super::from_str;
use super::variables;

/// Text that stands for a password. It is long and odd enough not to occur in our own sentences.
fn secret() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9]{4}[a-zA-Z0-9%:/+=#&!?-]{4,12}[0-9][a-z]{3}"
}

/// Files that hold the secret in right and in wrong places, each with other faults or none.
fn file() -> impl Strategy<Value = String> {
    let parts = prop::sample::subsequence(PARTS.to_vec(), 1..PARTS.len());
    (parts, any::<bool>()).prop_map(|(parts, root)| {
        let root = if root { "rabbitmq" } else { "spring.rabbitmq" };
        format!("{root}:\n{}", parts.concat())
    })
}

const PARTS: [&str; 20] = [
    "  password: 'SECRET'\n",
    "  password: SECRET\n",
    "  password: [SECRET]\n",
    "  password: {SECRET: x}\n",
    "  password: {inner: 'SECRET'}\n",
    "  pasword: 'SECRET'\n",
    "  password:SECRET\n",
    "  ssl:\n    key-store-password: 'SECRET'\n    trust-store-password: 'SECRET'\n",
    "  addresses: 'amqp://user:SECRET@host:notaport'\n",
    "  addresses: ['amqps://user:SECRET@host', 'u:SECRET@h']\n",
    "  port: 'SECRET'\n",
    "  host: 'SECRET'\n",
    "  template: 'SECRET'\n",
    "  template: {mandatory: 'SECRET', receive-timeout: 'SECRET'}\n",
    "  listener.simple.acknowledge-mode: 'SECRET'\n",
    "  topology: {queues: [{type: 'SECRET'}], bindings: ['SECRET']}\n",
    "  username: '${SECRET}'\n",
    "  virtual-host: \"SECRET\n",
    "  requested-heartbeat: '${NOT_SET:SECRET}'\n",
    "  brokers: {eu: {password: 'SECRET', usrname: x}}\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn neither_a_fault_nor_debug_output_shows_a_secret(file in file(), secret in secret()) {
        let text = file.replace("SECRET", &secret);
        match from_str("rabbit.yml", &text, &variables(&[])) {
            Ok(properties) => {
                // A host is no secret; these files put the word there too.
                let shown = format!("{properties:?}");
                prop_assert!(file.contains("host: 'SECRET'") || !shown.contains(&secret), "{}", shown);
            }
            Err(faults) => {
                let shown = format!("{faults}\n{faults:?}");
                prop_assert!(!shown.contains(&secret), "{text}\n{shown}");
                for line in text.lines().map(str::trim).filter(|line| line.len() > 12) {
                    prop_assert!(!shown.contains(line), "{line}\n{shown}");
                }
            }
        }
    }

    #[test]
    fn a_wrong_variable_shows_no_secret(secret in secret()) {
        let pairs = [
            ("RABBIT_PASSWORD", secret.as_str()),
            ("RABBIT_PORT", secret.as_str()),
            ("RABBIT_ADDRESSES", secret.as_str()),
            ("RABBIT_SSL_KEY_STORE_PASSWORD", secret.as_str()),
        ];
        let shown = match from_str("rabbit.yml", "", &variables(&pairs)) {
            Ok(properties) => format!("{properties:?}"),
            Err(faults) => format!("{faults}\n{faults:?}"),
        };
        prop_assert!(!shown.contains(&secret), "{shown}");
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*", tail in "[ \\-:{}\\[\\],&*!|>'\"%@`#\n\ta-z$]*") {
        let _ = from_str("rabbit.yml", &format!("{text}\nrabbitmq: {tail}"), &variables(&[]));
    }
}
