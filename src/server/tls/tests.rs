//! Pairs that fit, pairs that do not, and what is in force after each.

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384, date_time_ymd};
use tempfile::TempDir;

use super::*;
use crate::clock::FollowingClock;

/// Certificate and key in PEM.
fn pair() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// What is there of a file that is being written.
fn half(text: &str) -> &str {
    text.split_at(text.len() / 2).0
}

struct Given {
    folder: TempDir,
}

impl Given {
    fn new(certificate: &str, key: &str) -> Self {
        let given = Self {
            folder: TempDir::new().unwrap(),
        };
        given.write(certificate, key);
        given
    }

    fn files(&self) -> TlsFiles {
        TlsFiles {
            certificate: self.folder.path().join("server.pem"),
            key: self.folder.path().join("server.key"),
        }
    }

    fn write(&self, certificate: &str, key: &str) {
        fs::write(self.files().certificate, certificate).unwrap();
        fs::write(self.files().key, key).unwrap();
    }

    fn load(&self) -> Result<Tls, TlsError> {
        let clock = FollowingClock::starting_at(Timestamp::UNIX_EPOCH);
        Tls::load(self.files(), Arc::new(clock))
    }
}

#[tokio::test]
async fn says_what_is_wrong_with_a_pair() {
    let (certificate, key) = pair();
    let (other, _) = pair();
    let cut = half(&certificate);
    for (certificate, key, expected) in [
        ("", &*key, "holds no certificate"),
        (cut, &key, "holds no certificate"),
        (&key, &key, "holds no certificate"),
        (&certificate, "", "holds no private key"),
        (&certificate, &certificate, "holds no private key"),
        (&certificate, half(&key), "holds no private key"),
        (&other, &key, "cannot be used together"),
    ] {
        let error = Given::new(certificate, key).load().unwrap_err();
        let text = crate::telemetry::chain(&error);
        assert!(text.contains(expected), "{expected}: {text}");
        assert!(!text.contains("BEGIN PRIVATE"), "{text}");
    }
    let given = Given::new(&certificate, &key);
    fs::remove_file(given.files().key).unwrap();
    let text = given.load().unwrap_err().to_string();
    assert!(text.contains("server.key` cannot be read"), "{text}");
}

#[tokio::test]
async fn takes_a_chain_and_keys_of_every_form() {
    let (certificate, key) = pair();
    let (authority, _) = pair();
    let chain = format!("{certificate}\r\n{authority}");
    let tls = Given::new(&chain, &key).load().unwrap();
    assert_eq!(
        tls.config().alpn_protocols,
        [b"h2".to_vec(), b"http/1.1".to_vec()]
    );
    // SEC1 is what is within PKCS#8: an octet string, here at a fixed place for this curve.
    let strong = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&strong).unwrap().pem();
    assert!(
        Given::new(&certificate, &strong.serialize_pem())
            .load()
            .is_ok()
    );
    let sec1 = pem("EC PRIVATE KEY", &strong.serialize_der()[27..]);
    Given::new(&certificate, &sec1).load().unwrap();
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

#[tokio::test(start_paused = true)]
async fn a_new_pair_is_taken_and_a_broken_one_is_not() {
    let (certificate, key) = pair();
    let given = Given::new(&certificate, &key);
    let mut tls = given.load().unwrap();
    let look = |tls: &mut Tls| {
        let before = tls.config();
        tls.look(Pair::read(&given.files()));
        !Arc::ptr_eq(&before, &tls.config())
    };
    assert!(!look(&mut tls), "nothing has changed");
    let (new_certificate, new_key) = pair();
    given.write(&new_certificate, &key);
    assert!(!look(&mut tls), "half of the pair");
    given.write(half(&new_certificate), &new_key);
    assert!(!look(&mut tls), "half of a file");
    fs::remove_file(given.files().certificate).unwrap();
    assert!(!look(&mut tls), "no file");
    given.write(&new_certificate, &new_key);
    assert!(look(&mut tls), "the whole pair");
    assert!(!look(&mut tls), "the same again");
}

/// As Kubernetes mounts a Secret: links to a link, which leads to another folder after a renewal.
#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_new_pair_is_taken_when_links_lead_elsewhere() {
    use std::os::unix::fs::symlink;
    let given = Given {
        folder: TempDir::new().unwrap(),
    };
    let at = |name: &str| given.folder.path().join(name);
    let renew = |folder: &str| {
        let (certificate, key) = pair();
        fs::create_dir(at(folder)).unwrap();
        fs::write(at(folder).join("server.pem"), certificate).unwrap();
        fs::write(at(folder).join("server.key"), key).unwrap();
        symlink(folder, at("..new")).unwrap();
        fs::rename(at("..new"), at("..data")).unwrap();
    };
    renew("..first");
    for name in ["server.pem", "server.key"] {
        symlink(format!("..data/{name}"), at(name)).unwrap();
    }
    let mut tls = given.load().unwrap();
    let before = tls.config();
    tls.look(Pair::read(&given.files()));
    assert!(Arc::ptr_eq(&before, &tls.config()), "nothing has changed");
    renew("..second");
    tls.look(Pair::read(&given.files()));
    assert!(!Arc::ptr_eq(&before, &tls.config()), "another folder");
}

#[test]
fn knows_when_a_certificate_ends() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_after = date_time_ymd(2030, 2, 3);
    let certificate = params.self_signed(&key).unwrap().pem();
    let pair = Pair {
        certificate: certificate.into_bytes(),
        key: Vec::new(),
    };
    assert_eq!(pair.expires().unwrap().to_string(), "2030-02-03T00:00:00Z");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_certificate_in_force_is_judged_once_a_day() {
    let (certificate, key) = pair();
    let given = Given::new(&certificate, &key);
    let mut tls = given.load().unwrap();
    let (loaded, expires) = (tls.judged, tls.expires);
    // Files that cannot be used change nothing of that.
    given.write(half(&certificate), &key);
    for (hours, judged) in [(23, 0), (1, 24), (23, 24), (2, 49)] {
        tokio::time::advance(Duration::from_hours(hours)).await;
        tls.look(Pair::read(&given.files()));
        assert_eq!(
            tls.judged.duration_since(loaded).as_hours(),
            judged,
            "{hours}"
        );
        assert_eq!(tls.expires, expires);
    }
}
