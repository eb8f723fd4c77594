//! From `ssl.*` to rustls.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use crate::config::{SslProperties, StoreProperties, TlsVersion};
use crate::error::{Fault, Faults, Place};

use super::store::{self, Identity, Refused};
use super::verify::{AnyCertificate, AnyHost};

/// Builds what every TLS link of a configuration shares: TLS 1.2 and 1.3, the trust store's authorities or the
/// system's, the client's certificate if there is a key store.
///
/// # Errors
/// A store that cannot be read, is of a format that is not supported, or does not hold what it must; all at once.
pub fn client_config(ssl: &SslProperties) -> Result<Arc<ClientConfig>, Faults> {
    let provider = Arc::new(ring::default_provider());
    let mut faults = Faults::new();
    let verifier = note(verifier(ssl, &provider), &mut faults);
    let identity = ssl.key_store.as_ref().map(read_identity);
    let identity = identity.and_then(|read| note(read, &mut faults));
    let builder =
        ClientConfig::builder_with_provider(provider).with_protocol_versions(versions(ssl));
    let builder = note(
        builder.map_err(|error| fault("ssl.algorithm", error)),
        &mut faults,
    );
    let (Some(verifier), Some(builder)) = (verifier, builder) else {
        return faults.into_result(()).and_then(|()| Err(Faults::new()));
    };
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => match builder.with_client_auth_cert(chain, key) {
            Ok(config) => config,
            Err(error) => {
                let sentence = format!("the client's certificate and key do not serve: {error}");
                faults.push(Fault::new(place("ssl.key-store"), sentence));
                return faults.into_result(()).and_then(|()| Err(Faults::new()));
            }
        },
    };
    faults.into_result(Arc::new(config))
}

/// What a pin leaves of the versions.
fn versions(ssl: &SslProperties) -> &'static [&'static SupportedProtocolVersion] {
    static BOTH: &[&SupportedProtocolVersion] = &[&TLS12, &TLS13];
    static OLDER: &[&SupportedProtocolVersion] = &[&TLS12];
    static NEWER: &[&SupportedProtocolVersion] = &[&TLS13];
    match ssl.version {
        None => BOTH,
        Some(TlsVersion::V1_2) => OLDER,
        Some(TlsVersion::V1_3) => NEWER,
    }
}

fn verifier(
    ssl: &SslProperties,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Fault> {
    if !ssl.validate_server_certificate {
        return Ok(Arc::new(AnyCertificate(Arc::clone(provider))));
    }
    let roots = match &ssl.trust_store {
        Some(store) => roots_of(store)?,
        None => system_roots()?,
    };
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let verifier = verifier
        .build()
        .map_err(|error| fault("ssl.trust-store", error))?;
    Ok(if ssl.verify_hostname {
        verifier
    } else {
        Arc::new(AnyHost(verifier))
    })
}

fn roots_of(store: &StoreProperties) -> Result<RootCertStore, Fault> {
    let (content, file) = content("ssl.trust-store", store)?;
    let authorities = store::authorities(&content, password(store), &file);
    let authorities = authorities.map_err(|refused| refusal("ssl.trust-store", &file, refused))?;
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots
            .add(authority)
            .map_err(|error| fault("ssl.trust-store", error))?;
    }
    Ok(roots)
}

/// Some of a system's roots may be unreadable; that is no reason not to use the others.
fn system_roots() -> Result<RootCertStore, Fault> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, ignored) = roots.add_parsable_certificates(found.certs);
    tracing::debug!(
        added,
        ignored,
        errors = found.errors.len(),
        "read the system's authorities"
    );
    if roots.is_empty() {
        let sentence =
            "this system has no certificates of authorities, so no broker can be trusted";
        let fault = Fault::new(place("ssl.trust-store"), sentence);
        return Err(
            fault.fix("name a trust store by `ssl.trust-store`, or install ca-certificates")
        );
    }
    Ok(roots)
}

fn read_identity(store: &StoreProperties) -> Result<Identity, Fault> {
    let (content, file) = content("ssl.key-store", store)?;
    let identity = store::identity(&content, password(store), &file);
    identity.map_err(|refused| refusal("ssl.key-store", &file, refused))
}

fn content(property: &str, store: &StoreProperties) -> Result<(Vec<u8>, String), Fault> {
    let file = store.file.display().to_string();
    match std::fs::read(&store.file) {
        Ok(content) => Ok((content, file)),
        Err(error) => {
            let sentence = format!("the file {file} cannot be read: {error}");
            Err(Fault::new(place(property), sentence).fix("check the path and who may read it"))
        }
    }
}

fn password(store: &StoreProperties) -> Option<&str> {
    store.password.as_ref().map(crate::config::Secret::reveal)
}

fn refusal(property: &str, file: &str, refused: Refused) -> Fault {
    Fault::new(place(property), format!("the file {file} {}", refused.what)).fix(refused.fix)
}

fn fault(property: &str, error: impl std::fmt::Display) -> Fault {
    Fault::new(place(property), format!("cannot be used: {error}"))
}

fn place(property: &str) -> Place {
    Place::Elsewhere(format!("`{property}`"))
}

fn note<T>(result: Result<T, Fault>, faults: &mut Faults) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(fault) => {
            faults.push(fault);
            None
        }
    }
}
