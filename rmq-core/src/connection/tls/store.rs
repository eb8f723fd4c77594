//! Key and trust stores: PEM or PKCS12, told apart by their content.

use p12_keystore::{CertificateBag, Pkcs12Archive, PrivateKeyBag};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// The client's certificate, its chain behind it, and its key.
pub(super) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// What a store was refused for, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) what: String,
    pub(super) fix: String,
}

impl Refused {
    fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            fix: fix.into(),
        }
    }
}

/// What a store's bytes are.
enum Format {
    Pem,
    Pkcs12,
    Java,
    Unknown,
}

/// JKS begins with `FEEDFEED`, JCEKS with `CECECECE`; PKCS12 is a DER sequence.
fn format(content: &[u8]) -> Format {
    match content {
        [0xFE, 0xED, 0xFE, 0xED, ..] | [0xCE, 0xCE, 0xCE, 0xCE, ..] => Format::Java,
        [0x30, ..] => Format::Pkcs12,
        text if contains(text, b"-----BEGIN ") => Format::Pem,
        _ => Format::Unknown,
    }
}

fn contains(content: &[u8], part: &[u8]) -> bool {
    content.windows(part.len()).any(|window| window == part)
}

/// The certificates of the authorities to trust; at least one.
pub(super) fn authorities(
    content: &[u8],
    password: Option<&str>,
    file: &str,
) -> Result<Vec<CertificateDer<'static>>, Refused> {
    let certificates = match format(content) {
        Format::Pem => pem_certificates(content)?,
        Format::Pkcs12 => {
            let archive = pkcs12(content, password)?;
            archive.certs.iter().map(certificate).collect()
        }
        other => return Err(not_readable(&other, file)),
    };
    if certificates.is_empty() {
        return Err(Refused::new(
            "holds no certificate",
            "put the authority's certificate into it",
        ));
    }
    Ok(certificates)
}

/// The client's certificate and key.
pub(super) fn identity(
    content: &[u8],
    password: Option<&str>,
    file: &str,
) -> Result<Identity, Refused> {
    match format(content) {
        Format::Pem => pem_identity(content),
        Format::Pkcs12 => pkcs12_identity(pkcs12(content, password)?),
        other => Err(not_readable(&other, file)),
    }
}

fn not_readable(format: &Format, file: &str) -> Refused {
    match format {
        Format::Java => Refused::new(
            "is a JKS store, which is Java's own format",
            format!(
                "convert it: keytool -importkeystore -srckeystore {file} -destkeystore {file}.p12 -deststoretype PKCS12"
            ),
        ),
        _ => Refused::new("is neither PEM nor PKCS12", "give a PEM or PKCS12 file"),
    }
}

fn pem_certificates(content: &[u8]) -> Result<Vec<CertificateDer<'static>>, Refused> {
    let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(content).collect();
    parsed.map_err(|error| {
        Refused::new(
            format!("holds a certificate that cannot be read: {error}"),
            "check that it is whole",
        )
    })
}

fn pem_identity(content: &[u8]) -> Result<Identity, Refused> {
    if contains(content, b"ENCRYPTED PRIVATE KEY") {
        return Err(Refused::new(
            "holds an encrypted PEM key, which is not supported",
            "give it as PKCS12 with its password, or decrypt it: openssl pkey -in KEY -out PLAIN",
        ));
    }
    let certificates = pem_certificates(content)?;
    let key = PrivateKeyDer::from_pem_slice(content).map_err(|error| {
        Refused::new(
            format!("holds no private key that can be read: {error}"),
            "put the client's certificate, its chain and its key into one file",
        )
    })?;
    identity_of(certificates, key)
}

fn identity_of(
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Identity, Refused> {
    if certificates.is_empty() {
        return Err(Refused::new(
            "holds a key but no certificate",
            "put the client's certificate into it, too",
        ));
    }
    Ok((certificates, key))
}

fn pkcs12(content: &[u8], password: Option<&str>) -> Result<Pkcs12Archive, Refused> {
    Pkcs12Archive::from_pkcs12(content, password.unwrap_or_default()).map_err(|error| {
        Refused::new(
            format!("cannot be opened as PKCS12: {error}"),
            "check its password; very old encryption is not supported, so export it again if the password is right",
        )
    })
}

/// The first key, its certificate, and the other certificates as its chain.
fn pkcs12_identity(archive: Pkcs12Archive) -> Result<Identity, Refused> {
    let Some(key) = archive.keys.first() else {
        return Err(Refused::new(
            "holds no private key",
            "put the client's certificate and key into it",
        ));
    };
    let leaf = archive
        .certs
        .iter()
        .position(|bag| belongs(bag, key))
        .unwrap_or_default();
    let mut certificates: Vec<_> = archive.certs.iter().map(certificate).collect();
    if leaf < certificates.len() {
        let leaf = certificates.remove(leaf);
        certificates.insert(0, leaf);
    }
    let key = PrivatePkcs8KeyDer::from(key.key.as_der().to_vec());
    identity_of(certificates, key.into())
}

fn belongs(bag: &CertificateBag, key: &PrivateKeyBag) -> bool {
    let id = key.local_key_id.as_ref().map(AsRef::as_ref);
    id.is_some() && bag.local_key_id.as_deref() == id
}

fn certificate(bag: &CertificateBag) -> CertificateDer<'static> {
    CertificateDer::from(bag.cert.as_der().to_vec())
}
