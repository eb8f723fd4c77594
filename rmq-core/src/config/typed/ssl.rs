//! TLS settings.

use std::path::PathBuf;

use super::super::reader::Reader;
use super::super::secret::Secret;

/// The format of a key or trust store. Both formats are told apart by content as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreType {
    /// PKCS12, `.p12`.
    Pkcs12,
    /// PEM text.
    Pem,
}

/// A TLS version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2.
    V1_2,
    /// TLS 1.3.
    V1_3,
}

/// A key store or a trust store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreProperties {
    /// The file (`ssl.key-store`, `ssl.trust-store`).
    pub file: PathBuf,
    /// Its format; `None`: by content.
    pub format: Option<StoreType>,
    /// Its password, if it has one.
    pub password: Option<Secret>,
}

/// TLS (`ssl.*`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SslProperties {
    /// `ssl.enabled`: TLS for addresses that do not say it. `None`: only for `amqps://`.
    pub enabled: Option<bool>,
    /// The client's certificate and key. Default: none.
    pub key_store: Option<StoreProperties>,
    /// The authorities to trust. Default: the system's.
    pub trust_store: Option<StoreProperties>,
    /// `ssl.algorithm`: the only version to use. Default: 1.2 and 1.3.
    pub version: Option<TlsVersion>,
    /// `ssl.validate-server-certificate`. Default: true.
    pub validate_server_certificate: bool,
    /// `ssl.verify-hostname`. Default: true.
    pub verify_hostname: bool,
}

pub(super) fn read(reader: &mut Reader<'_>) -> SslProperties {
    let versions = [("TLSv1.2", TlsVersion::V1_2), ("TLSv1.3", TlsVersion::V1_3)];
    SslProperties {
        enabled: reader.flag("enabled").map(|flag| flag.value),
        key_store: store(reader, "key-store"),
        trust_store: store(reader, "trust-store"),
        version: reader
            .choice("algorithm", &versions)
            .map(|version| version.value),
        validate_server_certificate: reader
            .flag("validate-server-certificate")
            .is_none_or(|flag| flag.value),
        verify_hostname: reader.flag("verify-hostname").is_none_or(|flag| flag.value),
    }
}

fn store(reader: &mut Reader<'_>, name: &str) -> Option<StoreProperties> {
    let kind = format!("{name}-type");
    let formats = [
        ("PKCS12", Some(StoreType::Pkcs12)),
        ("PEM", Some(StoreType::Pem)),
        ("JKS", None),
    ];
    let format = reader.choice(&kind, &formats);
    if format.as_ref().is_some_and(|format| format.is_none()) {
        let fix = "convert it: keytool -importkeystore -srckeystore OLD.jks -destkeystore NEW.p12 -deststoretype PKCS12";
        reader.fault(&kind, "cannot be JKS: that format is Java's own", fix);
    }
    let password_name = format!("{name}-password");
    let password = reader.secret(&password_name);
    let file = reader.word(name);
    if file.is_none() {
        for lonely in [&kind, &password_name] {
            if reader.said(lonely).is_some() && reader.said(name).is_none() {
                reader.fault(
                    lonely,
                    "is given without the store itself",
                    "name the file of the store, or leave it out",
                );
            }
        }
    }
    Some(StoreProperties {
        file: PathBuf::from(file?.value),
        format: format.and_then(|format| format.value),
        password: password.map(|password| password.value),
    })
}
