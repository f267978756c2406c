//! The people who work here.

use crate::demo::model::Table;
use crate::demo::moment::DAY;
use crate::demo::value::{Row, Value};

use super::Estate;
use super::dice::{Dice, nth};

/// How many users there are.
pub(super) const USERS: u64 = 2500;

/// One user: id, SID, UPN, account, full name, domain, dates.
pub(super) fn user(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let mut dice = Dice::new(estate.seed, 0x7573, index);
    let (first, last) = names(estate.seed, index);
    let created = estate.now - 400 * DAY + dice.upto(300 * DAY);
    out.extend([
        Value::Int(index as i64 + 1),
        Value::text(format!(
            "S-1-5-21-1004336348-1177238915-682003330-{}",
            1100 + index
        )),
        Value::text(upn(estate, index)),
        Value::text(account(first, last)),
        Value::text(format!("{first} {last}")),
        Value::text(DOMAIN),
        Value::at(created),
        Value::at(estate.now - dice.upto(90 * DAY)),
    ]);
}

/// The sign-in name, with apostrophes and all.
pub(super) fn upn(estate: &Estate, index: u64) -> String {
    let (first, last) = names(estate.seed, index);
    format!(
        "{}.{}@{MAIL}",
        first.to_lowercase(),
        last.to_lowercase().replace(' ', "-")
    )
}

/// The full name of a user.
pub(super) fn full_name(estate: &Estate, index: u64) -> String {
    let (first, last) = names(estate.seed, index);
    format!("{first} {last}")
}

/// `DOMAIN\account` without the domain.
pub(super) fn account_of(estate: &Estate, index: u64) -> String {
    let (first, last) = names(estate.seed, index);
    account(first, last)
}

/// The domain of all accounts.
pub(super) const DOMAIN: &str = "NORDHAFEN";

/// The mail domain.
pub(super) const MAIL: &str = "nordhafen.example";

/// Every user has another pair of names.
fn names(seed: u64, index: u64) -> (&'static str, &'static str) {
    let pairs = (FIRST.len() * LAST.len()) as u64;
    // A step without common factors with the number of pairs visits each once.
    let pair = (index * STEP + seed % pairs) % pairs;
    (nth(FIRST, pair), nth(LAST, pair / FIRST.len() as u64))
}

fn account(first: &str, last: &str) -> String {
    let plain = |name: &str| -> String {
        name.to_lowercase()
            .chars()
            .filter_map(|letter| match letter {
                'ä' | 'á' | 'à' | 'å' => Some('a'),
                'ö' | 'ó' | 'ø' => Some('o'),
                'ü' | 'ú' => Some('u'),
                'é' | 'è' | 'ë' => Some('e'),
                'ß' | 'ś' => Some('s'),
                'ç' => Some('c'),
                'ł' => Some('l'),
                'í' => Some('i'),
                letter => letter.is_ascii_alphanumeric().then_some(letter),
            })
            .collect()
    };
    format!("{}.{}", plain(first), plain(last))
}

const STEP: u64 = 1663;

const FIRST: &[&str] = &[
    "Anna",
    "Ben",
    "Carla",
    "David",
    "Élodie",
    "Finn",
    "Greta",
    "Hannah",
    "Ian",
    "Jürgen",
    "Katrin",
    "Liam",
    "Maria",
    "Niamh",
    "Oliver",
    "Priya",
    "Quentin",
    "Rosa",
    "Seán",
    "Tomasz",
    "Uwe",
    "Valentina",
    "William",
    "Xenia",
    "Yusuf",
    "Zoë",
    "Amélie",
    "Björn",
    "Charlotte",
    "Declan",
    "Emma",
    "Fatima",
    "Georg",
    "Heike",
    "Isabel",
    "Jonas",
    "Kevin",
    "Laura",
    "Mateusz",
    "Nora",
    "Orla",
    "Paul",
    "Ruth",
    "Stefan",
    "Theresa",
    "Ulrike",
    "Victor",
    "Wanda",
    "Aoife",
    "Chiara",
    "Dmitri",
    "Eva",
    "Günther",
    "Ingrid",
    "José",
    "Lars",
    "Mei",
    "Nils",
    "Søren",
];

const LAST: &[&str] = &[
    "Müller",
    "O'Brien",
    "Schmidt",
    "Smith",
    "Weiß",
    "Kowalski",
    "Dubois",
    "Rossi",
    "García",
    "Jensen",
    "O'Connor",
    "Fischer",
    "Wagner",
    "Becker",
    "Schäfer",
    "Koch",
    "Bauer",
    "Richter",
    "Klein",
    "Wolf",
    "Schröder",
    "Neumann",
    "Schwarz",
    "Zimmermann",
    "Braun",
    "Krüger",
    "Hofmann",
    "Hartmann",
    "Lange",
    "Krause",
    "Lehmann",
    "Köhler",
    "Walsh",
    "Byrne",
    "Kelly",
    "Murphy",
    "O'Neill",
    "D'Angelo",
    "Patel",
    "Khan",
    "Nowak",
    "Wójcik",
    "Lefèvre",
    "Moreau",
    "Bianchi",
    "Ferrari",
    "Fernández",
    "López",
    "Andersson",
    "Nielsen",
    "van den Berg",
    "de Vries",
    "Jönsson",
    "Taylor",
    "Brown",
    "Evans",
    "Thomas",
    "Łukasiewicz",
    "François",
    "Ångström",
    "Sánchez",
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_user_has_a_name_of_their_own() {
        let names: HashSet<_> = (0..USERS).map(|index| names(42, index)).collect();
        assert_eq!(names.len() as u64, USERS);
        assert!(names.iter().any(|(_, last)| last.contains('\'')));
    }
}
