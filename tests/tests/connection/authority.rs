//! A throw-away authority, and the files that it signs.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rmq_tests::broker::TlsFiles;
use tempfile::TempDir;

pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its own certificate as PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// Certificate and key as PEM.
    pub fn certify(&self, common_name: &str, names: &[&str]) -> (String, String) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// What a node needs whose host is `localhost` and nothing else.
    pub fn node(&self, require_client_certificate: bool) -> TlsFiles {
        let (certificate, key) = self.certify("broker", &["localhost"]);
        TlsFiles {
            ca: self.pem(),
            certificate,
            key,
            require_client_certificate,
        }
    }

    /// A store with its own certificate.
    pub fn trust_store(&self, folder: &TempDir, name: &str) -> PathBuf {
        written(folder, name, &self.pem())
    }

    /// A store with a client certificate of that name, and its key.
    pub fn key_store(&self, folder: &TempDir, common_name: &str) -> PathBuf {
        let (certificate, key) = self.certify(common_name, &[]);
        written(folder, &format!("{common_name}.pem"), &(certificate + &key))
    }
}

fn written(folder: &TempDir, name: &str, content: &str) -> PathBuf {
    let file = folder.path().join(name);
    std::fs::write(&file, content).unwrap();
    file
}
