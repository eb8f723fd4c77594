//! TLS.

use super::super::property::Kind::{Choice, Flag, Secret, Text};
use super::super::property::Preset::{Is, Unset};
use super::super::property::{Property, refused, spring};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Property> {
    let store = Choice(&["PKCS12", "PEM", "JKS"]);
    let versions = Choice(&["TLSv1.2", "TLSv1.3"]);
    vec![
        spring("ssl.enabled", Flag, Unset("by `amqps://`"), "by `amqps://` or a bundle", "TLS on or off for addresses that do not say it."),
        refused("ssl.bundle", "not set", None, "name the stores by `ssl.key-store` and `ssl.trust-store`"),
        spring("ssl.key-store", Text, Unset("no client certificate"), "not set", "File with the client's certificate and key: PEM or PKCS12."),
        spring("ssl.key-store-type", store, Unset("by content"), "PKCS12", "The format of the key store. JKS is refused with the line that converts it."),
        spring("ssl.key-store-password", Secret, Unset("no password"), "not set", "The password of the key store."),
        refused("ssl.key-store-algorithm", "SunX509", Some("SunX509"), "there are no key manager algorithms here: leave it out"),
        spring("ssl.trust-store", Text, Unset("the system's roots"), "not set", "File with the certificates of the authorities to trust: PEM or PKCS12."),
        spring("ssl.trust-store-type", store, Unset("by content"), "JKS", "The format of the trust store. JKS is refused with the line that converts it."),
        spring("ssl.trust-store-password", Secret, Unset("no password"), "not set", "The password of the trust store."),
        refused("ssl.trust-store-algorithm", "SunX509", Some("SunX509"), "there are no trust manager algorithms here: leave it out"),
        spring("ssl.algorithm", versions, Unset("TLSv1.2 and TLSv1.3"), "TLSv1.2 and later", "The only TLS version to use."),
        spring("ssl.validate-server-certificate", Flag, Is("true"), "true", "Whether the server's certificate is verified. `false` trusts everything; the start report shows it."),
        spring("ssl.verify-hostname", Flag, Is("true"), "true", "Whether the certificate must carry the host's name."),
    ]
}
