//! `key`: makes an access key, and what the settings need of it.

use std::fmt::Write;
use std::process::ExitCode;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

use super::{Failure, print};
use crate::cli::Key;
use crate::config::is_key_name;

/// Prints a new key, which is nowhere else, and its section of the settings file, in which only its hash is.
pub(super) fn key(command: &Key) -> Result<ExitCode, Failure> {
    let mut random = [0; RANDOM_BYTES];
    SystemRandom::new()
        .fill(&mut random)
        .map_err(|_| Failure::Random)?;
    let key = text(&random);
    let section = section(&key, command)?;
    print(&key)?;
    print(&format!("\n{ADVICE}\n{section}"))?;
    Ok(ExitCode::SUCCESS)
}

/// Letters, digits, `-` and `_`, which pass through URLs and headers as they are. The beginning is for people and for
/// programs that look for secrets in the wrong place.
fn text(random: &[u8]) -> String {
    format!("cop_{}", URL_SAFE_NO_PAD.encode(random))
}

fn section(key: &str, command: &Key) -> Result<String, Failure> {
    let mut hash = String::new();
    for byte in digest(&SHA256, key.as_bytes()).as_ref() {
        let _ = write!(hash, "{byte:02x}");
    }
    let name = match &command.name {
        Some(name) if is_key_name(name) => name.clone(),
        Some(_) => {
            return Err(Failure::Flag {
                flag: "--name",
                what: "use 1 to 64 letters, digits, blanks, `-`, `_`, `.` and `@`".to_owned(),
            });
        }
        // Another one for each key, which says nothing about the key.
        None => format!("key-{}", hash.get(..8).unwrap_or_default()),
    };
    let mut section = format!("[[server.keys]]\nname = \"{name}\"\nsha256 = \"{hash}\"");
    if !command.sites.is_empty() {
        if !command.sites.iter().all(|site| is_key_name(site)) {
            return Err(Failure::Flag {
                flag: "--site",
                what: "write the name of a site, as in [sites.NAME]".to_owned(),
            });
        }
        let sites = command.sites.join("\", \"");
        let _ = write!(section, "\nsites = [\"{sites}\"]");
    }
    Ok(section)
}

/// 192 bits, a multiple of the coding's six.
const RANDOM_BYTES: usize = 24;

const ADVICE: &str = "# Above is the key, which is shown only now: give it to its user, and keep it like a password. Below is the\n\
     # section for the settings file, with no more than its hash. Then restart the proxy.";

#[cfg(test)]
mod tests {
    use super::*;

    fn command(name: Option<&str>, sites: &[&str]) -> Key {
        Key {
            name: name.map(str::to_owned),
            sites: sites.iter().map(|site| (*site).to_owned()).collect(),
        }
    }

    #[test]
    fn the_section_has_the_hash_and_not_the_key() {
        let key = text(&[7; RANDOM_BYTES]);
        insta::assert_snapshot!(
            section(&key, &command(Some("Büro"), &["acme", "lab"])).unwrap(),
            @r#"
        [[server.keys]]
        name = "Büro"
        sha256 = "23a007c2cc88e3e1762a420d0acce13497e434beec6fc64a0149b3556d87d1ac"
        sites = ["acme", "lab"]
        "#
        );
        assert_eq!(key.len(), 36);
    }

    #[test]
    fn names_that_would_break_the_file_are_refused() {
        for (name, site) in [(Some("a\"b"), "acme"), (None, "a\"b"), (Some(""), "acme")] {
            assert!(
                section("cop_x", &command(name, &[site])).is_err(),
                "{name:?} {site}"
            );
        }
    }
}
