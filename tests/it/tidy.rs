//! The shape of the source: who may know whom, and what is found nowhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Who may know whom: a room, and the rooms below it that it may name. A new arrow is a change of the design.
const ARROWS: &[(&str, &str)] = &[
    ("address", ""),
    ("clock", ""),
    ("keystore", ""),
    ("memo", ""),
    ("schedule", ""),
    ("tasks", ""),
    ("transport", ""),
    // By which traces are sent.
    ("telemetry", "transport"),
    ("journal", "clock"),
    ("odata", "memo"),
    ("auth", "clock tasks telemetry transport"),
    ("upstream", "auth odata telemetry transport"),
    ("cache", "clock odata tasks"),
    ("gateway", "auth cache clock memo odata telemetry upstream"),
    // Its table of errors names the causes of all rooms below.
    (
        "web",
        "address cache gateway journal memo odata telemetry transport upstream",
    ),
    ("warm", "clock gateway odata schedule tasks telemetry"),
    ("admin", "clock gateway journal odata tasks telemetry warm"),
    ("pages", "admin clock gateway odata tasks"),
    // Shares nothing with the rest, so that a mistake there cannot cancel itself out here.
    ("demo", "clock"),
    // Options are checked with the types of the rooms that they are for.
    ("config", "keystore odata schedule telemetry"),
    ("check", "auth clock telemetry transport upstream"),
    ("signals", ""),
    ("server", "address clock signals telemetry"),
    ("service", "signals telemetry"),
    ("cli", ""),
    // Puts everything together.
    (
        "app",
        "admin auth cache clock config gateway journal odata pages tasks transport upstream warm web",
    ),
    (
        "commands",
        "app check cli clock config demo gateway keystore odata server service signals tasks telemetry transport",
    ),
    ("main", "cli commands telemetry"),
    ("lib", ""),
];

#[test]
fn rooms_know_only_those_below_them() {
    let mut strangers = Vec::new();
    for source in sources("src") {
        let room = source.room();
        if source.is_for_tests() {
            continue;
        }
        let row = ARROWS.iter().find(|(name, _)| *name == room);
        let (_, allowed) = row.unwrap_or_else(|| panic!("`{room}` has no row in the table"));
        for known in rooms_named(&source.program()) {
            let below = allowed.split(' ').any(|name| name == known);
            if known != room && !below {
                strangers.push(format!("{} knows `{known}`", source.name()));
            }
        }
    }
    assert_eq!(strangers, [""; 0]);
}

#[test]
fn every_arrow_of_the_table_is_used() {
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources("src")
        .iter()
        .filter(|source| !source.is_for_tests())
    {
        let named = rooms_named(&source.program());
        known.entry(source.room()).or_default().extend(named);
    }
    for (room, allowed) in ARROWS {
        for name in allowed.split(' ').filter(|name| !name.is_empty()) {
            assert!(known[*room].contains(name), "{room} does not know {name}");
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for source in all() {
        let first = source.text.lines().next().unwrap_or_default();
        let says = first
            .strip_prefix("//! ")
            .is_some_and(|line| line.len() > 10);
        assert!(says, "{} begins with `{first}`", source.name());
    }
}

/// A word of the program, and the only places that may say it.
const AT_HOME: &[(&str, &[&str])] = &[
    ("reqwest", &["src/transport/network.rs"]),
    ("std::env::", &["src/config/load.rs"]),
    ("env::var", &["src/config/load.rs"]),
    ("tokio::spawn", &["src/tasks.rs"]),
    ("println!", &["src/commands", "src/main.rs"]),
    ("process::exit", &["src/commands", "src/main.rs"]),
    ("TcpListener", &["src/server", "src/commands"]),
    (
        "axum",
        &[
            "src/admin",
            "src/app.rs",
            "src/commands",
            "src/demo",
            "src/pages",
            "src/server",
            "src/transport/in_process.rs",
            "src/web",
        ],
    ),
    ("expose_secret", &["src/auth", "src/config", "src/keystore"]),
    ("sd_notify", &["src/service/systemd"]),
    ("windows_service", &["src/service/windows/system"]),
    ("winsafe", &["src/service/windows/system"]),
    ("keyring::", &["src/keystore"]),
    ("dialoguer", &["src/commands/terminal.rs"]),
    ("SystemTime", &[]),
    ("thread::sleep", &[]),
];

#[test]
fn what_has_a_home_stays_there() {
    let mut astray = Vec::new();
    for source in sources("src")
        .iter()
        .filter(|source| !source.is_for_tests())
    {
        let program = source.program();
        for (word, homes) in AT_HOME {
            let home = homes.iter().any(|home| source.name().starts_with(home));
            if !home && program.contains(word) {
                astray.push(format!("{} says `{word}`", source.name()));
            }
        }
    }
    assert_eq!(astray, [""; 0]);
}

#[test]
fn the_language_is_pure() {
    let pure = sources("src/odata");
    assert!(pure.len() > 10);
    for source in pure.iter().filter(|source| !source.is_for_tests()) {
        let program = source.program();
        for word in [
            "tokio", "async", ".await", "std::fs", "std::net", "Instant", "Clock", "Mutex",
        ] {
            assert!(!program.contains(word), "{} says `{word}`", source.name());
        }
    }
}

#[test]
fn nothing_is_left_for_later() {
    for source in all() {
        if source.name() == "tests/it/tidy.rs" {
            continue;
        }
        for word in [
            "#[ignore",
            "todo!",
            "unimplemented!",
            "dbg!",
            "TODO",
            "FIXME",
            "XXX",
        ] {
            assert!(
                !source.text.contains(word),
                "{} says `{word}`",
                source.name()
            );
        }
    }
}

#[test]
fn every_test_that_the_documents_name_is_there() {
    for (page, row_start, least) in [
        ("docs/caching.md", "| RFC", 30),
        ("docs/security.md", "| ", 20),
    ] {
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        let rows = text.lines().filter(|line| line.starts_with(row_start));
        let named: usize = rows.map(tests_named).sum();
        assert!(named > least, "{page}: {named}");
    }
}

/// How many tests the last cell of a row names, each behind the file that it is in. All of them are there.
fn tests_named(row: &str) -> usize {
    let cell = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
    let mut named = 0;
    let mut file = None;
    for word in cell.split('`').skip(1).step_by(2) {
        if word.contains('/') {
            file = Some(std::fs::read_to_string(root().join(word)).unwrap());
        } else if let Some(file) = &file {
            assert!(file.contains(&format!("fn {word}(")), "no `{word}`: {row}");
            named += 1;
        }
    }
    assert!(file.is_none() || named > 0, "no test: {row}");
    assert!(
        file.is_some() || !row.starts_with("| RFC"),
        "no file: {row}"
    );
    named
}

#[test]
fn dependencies_come_from_the_public_registry() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let sources: BTreeSet<&str> = lock
        .lines()
        .filter_map(|line| line.strip_prefix("source = "))
        .collect();
    let registry = "\"registry+https://github.com/rust-lang/crates.io-index\"";
    assert_eq!(sources, BTreeSet::from([registry]));
}

/// A source file.
struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// For instance `src/web/mod.rs`.
    fn name(&self) -> String {
        let path = self.path.strip_prefix(root()).unwrap();
        path.to_str().unwrap().replace('\\', "/")
    }

    /// For instance `web`.
    fn room(&self) -> String {
        let name = self.name();
        let room = name.split('/').nth(1).unwrap();
        room.trim_end_matches(".rs").to_owned()
    }

    /// Whether its door declares it, or a folder above it, for tests alone.
    fn is_for_tests(&self) -> bool {
        let src = root().join("src");
        self.path
            .ancestors()
            .take_while(|path| *path != src)
            .any(|module| {
                let name = module.file_stem().unwrap().to_str().unwrap();
                let door = module.with_file_name("mod.rs");
                let door = std::fs::read_to_string(door).unwrap_or_default();
                ["mod", "pub(crate) mod"]
                    .iter()
                    .any(|word| door.contains(&format!("#[cfg(test)]\n{word} {name};")))
            })
    }

    /// The code without comments and without the tests at its bottom.
    fn program(&self) -> String {
        let text = self.text.replace("\r\n", "\n");
        let end = text
            .find("\n#[cfg(test)]\nmod tests")
            .or_else(|| text.find("\n#[cfg(test)]\npub(crate) mod tests"));
        let lines = text[..end.unwrap_or(text.len())].lines();
        let code = lines.filter(|line| !line.trim_start().starts_with("//"));
        code.collect::<Vec<_>>().join("\n")
    }
}

/// The rooms that a program names: `crate::web::…`, `citrix_odata_proxy::web`, `use crate::{admin, web}`.
fn rooms_named(program: &str) -> BTreeSet<String> {
    let word = |text: &str| {
        let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_'));
        text[..end.unwrap_or(text.len())].to_owned()
    };
    let mut rooms = BTreeSet::new();
    for start in ["crate::", "citrix_odata_proxy::"] {
        for (at, _) in program.match_indices(start) {
            let rest = &program[at + start.len()..];
            let Some(group) = rest.strip_prefix('{') else {
                rooms.insert(word(rest));
                continue;
            };
            let mut depth = 0;
            for (at, c) in group.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    _ => {}
                }
                let before = group[..at].trim_end();
                let first = before.is_empty() || (before.ends_with(',') && depth == 0);
                if first && c.is_alphabetic() {
                    rooms.insert(word(&group[at..]));
                }
            }
        }
    }
    rooms
}

#[test]
fn rooms_are_found_in_every_form() {
    let program = "use crate::{admin, web::{self, Metrics}, odata::name::SiteId};\n\
                   use crate::cache; citrix_odata_proxy::cli::run(crate::app::App)";
    let found: Vec<String> = rooms_named(program).into_iter().collect();
    assert_eq!(found, ["admin", "app", "cache", "cli", "odata", "web"]);
}

fn all() -> Vec<Source> {
    ["src", "tests", "benches"]
        .into_iter()
        .flat_map(sources)
        .collect()
}

fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root().join(folder), &mut found);
    assert!(!found.is_empty(), "{folder}");
    found
}

fn collect(folder: &Path, found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push(Source { path, text });
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
