//! Handshakes with a throw-away authority, in memory, against rustls as the server.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use tempfile::TempDir;

use super::*;
use crate::config::{Secret, SslProperties, StoreProperties, TlsVersion};

/// An authority that lives as long as the test.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate of an authority, and its key.
struct Holder {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn certify(&self, name: &str) -> Holder {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Holder { certificate, key }
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        Arc::new(roots)
    }
}

/// A server of that authority for `localhost`; with `clients`, only for clients that the authority certified.
fn server(authority: &Authority, clients: bool) -> Arc<ServerConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if clients {
        let verifier =
            WebPkiClientVerifier::builder_with_provider(authority.roots(), provider).build();
        builder.with_client_cert_verifier(verifier.unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let holder = authority.certify("localhost");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(holder.key.serialize_der()));
    let config = builder.with_single_cert(vec![holder.certificate.der().clone()], key);
    Arc::new(config.unwrap())
}

/// Both sides to the end of the handshake, and one byte from the server behind it: in TLS 1.3 a client learns only
/// then that its certificate was refused.
fn handshake(
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    host: &str,
) -> Result<(), String> {
    let host = ServerName::try_from(host.to_owned()).unwrap();
    let mut client = ClientConnection::new(client, host).unwrap();
    let mut server = ServerConnection::new(server).unwrap();
    server.writer().write_all(b"!").unwrap();
    for _ in 0..20 {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        server.read_tls(&mut bytes.as_slice()).unwrap();
        server
            .process_new_packets()
            .map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        client.read_tls(&mut bytes.as_slice()).unwrap();
        client
            .process_new_packets()
            .map_err(|error| error.to_string())?;
        let mut byte = [0];
        if client.reader().read(&mut byte).is_ok_and(|read| read == 1) {
            return Ok(());
        }
    }
    panic!("the handshake goes round in circles");
}

fn store(folder: &TempDir, name: &str, content: &[u8], password: Option<&str>) -> StoreProperties {
    let file = folder.path().join(name);
    std::fs::write(&file, content).unwrap();
    StoreProperties {
        file,
        format: None,
        password: password.map(Secret::from),
    }
}

/// What `rabbit.yml` gives where nothing but the trust store is named.
fn trusting(store: Option<StoreProperties>) -> SslProperties {
    SslProperties {
        enabled: Some(true),
        trust_store: store,
        validate_server_certificate: true,
        verify_hostname: true,
        ..SslProperties::default()
    }
}

fn authority_pem(folder: &TempDir, authority: &Authority) -> StoreProperties {
    store(folder, "ca.pem", authority.0.pem().as_bytes(), None)
}

fn connect(ssl: &SslProperties, server: &Arc<ServerConfig>, host: &str) -> Result<(), String> {
    handshake(client_config(ssl).unwrap(), Arc::clone(server), host)
}

#[test]
fn a_certificate_of_the_trusted_authority_for_this_host_is_taken_and_no_other() {
    let folder = TempDir::new().unwrap();
    let (ours, theirs) = (Authority::new(), Authority::new());
    let ssl = trusting(Some(authority_pem(&folder, &ours)));
    connect(&ssl, &server(&ours, false), "localhost").unwrap();
    let error = connect(&ssl, &server(&theirs, false), "localhost").unwrap_err();
    assert!(error.contains("certificate"), "{error}");
    let error = connect(&ssl, &server(&ours, false), "elsewhere").unwrap_err();
    assert!(error.contains("not valid for name"), "{error}");
}

#[test]
fn the_systems_authorities_do_not_trust_ours() {
    let ours = Authority::new();
    match client_config(&trusting(None)) {
        Ok(config) => {
            let error = handshake(config, server(&ours, false), "localhost").unwrap_err();
            assert!(error.contains("certificate"), "{error}");
        }
        Err(faults) => assert!(faults.to_string().contains("ca-certificates"), "{faults}"),
    }
}

#[test]
fn without_the_host_name_check_the_authority_still_counts() {
    let folder = TempDir::new().unwrap();
    let (ours, theirs) = (Authority::new(), Authority::new());
    let mut ssl = trusting(Some(authority_pem(&folder, &ours)));
    ssl.verify_hostname = false;
    connect(&ssl, &server(&ours, false), "elsewhere").unwrap();
    connect(&ssl, &server(&theirs, false), "localhost").unwrap_err();
}

#[test]
fn without_validation_anybody_is_believed() {
    let mut ssl = trusting(None);
    ssl.validate_server_certificate = false;
    connect(&ssl, &server(&Authority::new(), false), "elsewhere").unwrap();
}

#[test]
fn a_client_certificate_is_shown_from_pem_and_from_pkcs12() {
    let folder = TempDir::new().unwrap();
    let ours = Authority::new();
    let server = server(&ours, true);
    let mut ssl = trusting(Some(authority_pem(&folder, &ours)));
    connect(&ssl, &server, "localhost").unwrap_err();

    let holder = ours.certify("client");
    let pem = holder.certificate.pem() + &holder.key.serialize_pem();
    ssl.key_store = Some(store(&folder, "client.pem", pem.as_bytes(), None));
    connect(&ssl, &server, "localhost").unwrap();

    let p12 = key_pkcs12(&holder, &ours);
    ssl.key_store = Some(store(&folder, "client.p12", &p12, Some("p4ss")));
    connect(&ssl, &server, "localhost").unwrap();

    let stranger = Authority::new().certify("client");
    let pem = stranger.certificate.pem() + &stranger.key.serialize_pem();
    ssl.key_store = Some(store(&folder, "stranger.pem", pem.as_bytes(), None));
    connect(&ssl, &server, "localhost").unwrap_err();
}

fn key_pkcs12(holder: &Holder, authority: &Authority) -> Vec<u8> {
    let key = PrivateKey::from_der(&holder.key.serialize_der()).unwrap();
    // The authority first: the certificate that belongs to the key must be found, not guessed.
    let own = Certificate::from_der(holder.certificate.der()).unwrap();
    let root = Certificate::from_der(authority.0.der()).unwrap();
    let chain = PrivateKeyChain::new(vec![1_u8, 2], key, [own, root]);
    let mut store = KeyStore::new();
    store.add_entry("client", KeyStoreEntry::PrivateKeyChain(chain));
    store.writer("p4ss").write().unwrap()
}

#[test]
fn a_pkcs12_trust_store_is_read() {
    let folder = TempDir::new().unwrap();
    let ours = Authority::new();
    let mut p12 = KeyStore::new();
    let root = Certificate::from_der(ours.0.der()).unwrap();
    p12.add_entry("ca", KeyStoreEntry::Certificate(root));
    let p12 = p12.writer("p4ss").write().unwrap();
    let ssl = trusting(Some(store(&folder, "ca.p12", &p12, Some("p4ss"))));
    connect(&ssl, &server(&ours, false), "localhost").unwrap();

    let wrong = trusting(Some(store(&folder, "ca.p12", &p12, Some("h4nter2"))));
    let faults = client_config(&wrong).unwrap_err().to_string();
    assert!(
        faults.contains("password") && !faults.contains("h4nter2"),
        "{faults}"
    );
}

#[test]
fn a_java_store_is_refused_with_the_line_that_converts_it() {
    let folder = TempDir::new().unwrap();
    let jks = [0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2];
    let ssl = trusting(Some(store(&folder, "trust.jks", &jks, Some("p"))));
    let faults = client_config(&ssl).unwrap_err().to_string();
    assert!(
        faults.contains("keytool -importkeystore -srckeystore"),
        "{faults}"
    );
    assert!(faults.contains("trust.jks"), "{faults}");
}

#[test]
fn every_store_that_is_wrong_is_told_at_once() {
    let folder = TempDir::new().unwrap();
    let mut ssl = trusting(Some(StoreProperties {
        file: PathBuf::from("/not/there.pem"),
        format: None,
        password: None,
    }));
    let only_certificate = Authority::new().certify("client").certificate.pem();
    ssl.key_store = Some(store(
        &folder,
        "half.pem",
        only_certificate.as_bytes(),
        None,
    ));
    let faults = client_config(&ssl).unwrap_err();
    assert_eq!(faults.len(), 2, "{faults}");
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let folder = TempDir::new().unwrap();
    let ours = Authority::new();
    let pem = ours.certify("a").certificate.pem() + &ours.certify("b").key.serialize_pem();
    let mut ssl = trusting(Some(authority_pem(&folder, &ours)));
    ssl.key_store = Some(store(&folder, "mixed.pem", pem.as_bytes(), None));
    let faults = client_config(&ssl).unwrap_err().to_string();
    assert!(faults.contains("ssl.key-store"), "{faults}");
}

#[test]
fn a_pinned_version_is_the_only_one() {
    let folder = TempDir::new().unwrap();
    let ours = Authority::new();
    let provider = Arc::new(ring::default_provider());
    let holder = ours.certify("localhost");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(holder.key.serialize_der()));
    let only_12 = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![holder.certificate.der().clone()], key)
        .unwrap();
    let only_12 = Arc::new(only_12);
    let mut ssl = trusting(Some(authority_pem(&folder, &ours)));
    ssl.version = Some(TlsVersion::V1_3);
    connect(&ssl, &only_12, "localhost").unwrap_err();
    ssl.version = Some(TlsVersion::V1_2);
    connect(&ssl, &only_12, "localhost").unwrap();
}
