//! The list `[[server.keys]]`.

use std::collections::BTreeMap;

use super::reader::{Noted, Read, Reader};
use super::table::Table;
use crate::config::AccessKey;
use crate::config::problem::Problem;
use crate::odata::name::SiteId;

/// `sites` are those that are configured, whatever may be wrong with them.
pub(super) fn check(
    reader: &mut Reader<'_>,
    sites: &BTreeMap<String, String>,
) -> Read<Vec<AccessKey>> {
    let tables = Table::all(reader, "server.keys", HINT)?;
    let mut keys: Vec<AccessKey> = Vec::new();
    let mut sound = true;
    for table in tables {
        let key = table.and_then(|table| one(reader, &table, sites, &keys));
        match key {
            Ok(key) => keys.push(key),
            Err(Noted) => sound = false,
        }
    }
    sound.then_some(keys).ok_or(Noted)
}

fn one(
    reader: &mut Reader<'_>,
    table: &Table<'_>,
    sites: &BTreeMap<String, String>,
    before: &[AccessKey],
) -> Read<AccessKey> {
    let name = name(reader, table, before);
    let sha256 = sha256(reader, table, before);
    let sites = limited_to(reader, table, sites);
    Ok(AccessKey {
        name: name?,
        sha256: sha256?,
        sites: sites?,
    })
}

fn name(reader: &mut Reader<'_>, table: &Table<'_>, before: &[AccessKey]) -> Read<String> {
    let Some((name, value)) = table.part("name") else {
        return table.refuse(reader, "the key has no name", HINT);
    };
    let text = reader.text_of(&name, value)?;
    let what = if !is_key_name(&text) {
        "this is not a name for a key"
    } else if before.iter().any(|key| key.name == text) {
        "another key has this name"
    } else {
        return Ok(text);
    };
    let problem = Problem::new(name, what).from(value.origin());
    reader.note(problem.hint(NAME_HINT))
}

/// What is wrong is not shown: people paste the key itself.
fn sha256(reader: &mut Reader<'_>, table: &Table<'_>, before: &[AccessKey]) -> Read<[u8; 32]> {
    let Some((name, value)) = table.part("sha256") else {
        return table.refuse(reader, "the key has no hash", HINT);
    };
    let text = reader.text_of(&name, value)?;
    let what = match from_hex(&text) {
        None => "this is not a SHA-256 in 64 hex digits",
        Some(hash) if before.iter().any(|key| key.sha256 == hash) => {
            "another name has the same key"
        }
        Some(hash) => return Ok(hash),
    };
    let problem = Problem::new(name, what).from(value.origin());
    reader.note(problem.hint(HINT))
}

fn limited_to(
    reader: &mut Reader<'_>,
    table: &Table<'_>,
    sites: &BTreeMap<String, String>,
) -> Read<Option<Vec<SiteId>>> {
    let Some((name, value)) = table.part("sites") else {
        return Ok(None);
    };
    let names = reader.list_of(&name, value)?;
    let refuse = |reader: &mut Reader<'_>, what: String, hint: &str| {
        let problem = Problem::new(name.as_str(), what).from(value.origin());
        reader.note(problem.hint(hint))
    };
    // Not a key for all sites: that would be more than was asked for.
    if names.is_empty() {
        let what = "the key is for no site".to_owned();
        return refuse(reader, what, "name a site, or leave `sites` out for all");
    }
    let known: Vec<&str> = sites.keys().map(String::as_str).collect();
    let mut found = Vec::new();
    for site in names {
        match SiteId::new(&site) {
            Some(id) if sites.contains_key(&site) => found.push(id),
            _ => {
                let hint = format!("known sites: {}", known.join(", "));
                return refuse(reader, format!("there is no site `{site}`"), &hint);
            }
        }
    }
    Ok(Some(found))
}

/// Whether a key may be called so: 1 to 64 letters, digits, blanks and `-_.@`, so that it fits into a log line.
pub(crate) fn is_key_name(text: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || " -_.@".contains(c);
    (1..=64).contains(&text.chars().count()) && text.trim() == text && text.chars().all(fits)
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits: [u8; 64] = digits?.try_into().ok()?;
    let (pairs, _) = digits.as_chunks::<2>();
    let mut hash = [0; 32];
    for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
        *byte = high << 4 | low;
    }
    Some(hash)
}

const HINT: &str = "`citrix-odata-proxy key` makes a key, and prints the section [[server.keys]] for it, with name and sha256";

const NAME_HINT: &str =
    "use 1 to 64 letters, digits, blanks, `-`, `_`, `.` and `@`, and each name once";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_has_64_digits() {
        let text = "00ff1A".to_owned() + &"0".repeat(58);
        assert_eq!(from_hex(&text).unwrap()[..3], [0, 255, 26]);
        for text in [
            "",
            "00",
            &"0".repeat(63),
            &"0".repeat(65),
            &"x".repeat(64),
            &"é".repeat(32),
        ] {
            assert_eq!(from_hex(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_fits_into_a_line() {
        for (name, fits) in [
            ("reports", true),
            ("Power BI gateway (2)", false),
            ("Power BI gateway 2", true),
            ("jan@example.com", true),
            ("Büro", true),
            ("", false),
            (" a", false),
            ("a\nb", false),
            ("a\"b", false),
        ] {
            assert_eq!(is_key_name(name), fits, "{name}");
        }
        assert!(!is_key_name(&"a".repeat(65)));
    }
}
