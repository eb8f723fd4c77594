//! The stream protocol, which is not supported yet.

use super::super::property::{Property, refused};

const NOTE: &str =
    "the stream protocol is not spoken yet; a stream queue can be declared, and consumed over AMQP";

pub(super) fn rows() -> Vec<Property> {
    [
        ("stream.host", "localhost"),
        ("stream.port", "5552"),
        ("stream.virtual-host", "as `virtual-host`"),
        ("stream.username", "as `username`"),
        ("stream.password", "as `password`"),
        ("stream.name", "not set"),
        ("stream.ssl.enabled", "by bundle"),
        ("stream.ssl.bundle", "not set"),
    ]
    .map(|(path, springs)| refused(path, springs, None, NOTE))
    .into()
}
