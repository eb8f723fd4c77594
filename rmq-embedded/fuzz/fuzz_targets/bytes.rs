#![no_main]

use libfuzzer_sys::fuzz_target;
use rmq_embedded_fuzz::feed;

fuzz_target!(|bytes: &[u8]| {
    feed(bytes);
});
