//! Secrets: five ways in, no way out.

use secrecy::ExposeSecret;

use super::*;

fn site(lines: &str) -> String {
    format!("[sites.main]\ncustomer_id = 'a'\nclient_id = 'b'\n{lines}")
}

#[test]
fn takes_a_secret_in_one_of_three_ways() {
    let utf16: Vec<u8> = [0xFF, 0xFE]
        .into_iter()
        .chain("hunter2\r\n".bytes().flat_map(|b| [b, 0]))
        .collect();
    let cases = [
        ("client_secret = 'hunter2'", &b""[..]),
        ("client_secret_env = 'SECRET'", b""),
        ("client_secret_file = 'secret.txt'", b"hunter2"),
        ("client_secret_file = 'secret.txt'", b"hunter2\n"),
        (
            "client_secret_file = 'secret.txt'",
            b"\xEF\xBB\xBFhunter2\r\n",
        ),
        ("client_secret_file = 'secret.txt'", &utf16),
    ];
    for (line, content) in cases {
        let mut given = Given::nothing()
            .with("conf/settings.toml", site(line))
            .with("conf/secret.txt", content)
            .variable("SECRET", "hunter2");
        given.flags.file = Some(PathBuf::from("conf/settings.toml"));
        let config = given.load().config;
        let secret = &config.sites.values().next().unwrap().client_secret;
        assert_eq!(secret.expose_secret(), "hunter2", "{line} {content:?}");
    }
}

#[test]
fn what_is_named_wins_over_systemd_and_that_over_the_credential_store() {
    let named = "client_secret_file = 'named.txt'";
    for (line, credentials, stored, expected) in [
        (named, &["main.client_secret"][..], true, "named"),
        (
            "",
            &["main.client_secret", "client_secret"],
            true,
            "main.client_secret",
        ),
        (
            "",
            &["client_secret", "other.client_secret"],
            true,
            "client_secret",
        ),
        ("", &["other.client_secret"], true, "hunter2"),
        ("", &[], true, "hunter2"),
        (named, &[], false, "named"),
    ] {
        let mut given = Given::file(&site(line))
            .with("named.txt", "named")
            .with("credentials/unrelated", "unrelated");
        for name in credentials {
            given = given.with(&format!("credentials/{name}"), format!("{name}\n"));
        }
        let folder = given.folder.path().join("credentials");
        given = given.variable("CREDENTIALS_DIRECTORY", folder.to_str().unwrap());
        if stored {
            given = given.keystore(MemoryKeystore::with("b", "hunter2"));
        }
        let loaded = given.load();
        let main = loaded.config.sites.values().next().unwrap();
        assert_eq!(
            main.client_secret.expose_secret(),
            expected,
            "{line} {credentials:?}"
        );
        let report = given.neutral(&loaded.report);
        let (value, origin) = match expected {
            "named" => ("\"\"", "# default".to_owned()),
            "hunter2" => ("\"***\"", "# the system's credential store".to_owned()),
            name => (
                "\"***\"",
                format!("# systemd credential DIR/credentials/{name}"),
            ),
        };
        let start = "sites.main.client_secret = ";
        let line = report.lines().find_map(|line| line.strip_prefix(start));
        let line = line.unwrap().replace('\\', "/");
        assert!(line.starts_with(value) && line.ends_with(&origin), "{line}");
        assert!(!format!("{loaded:?}{report}").contains("hunter2"));
    }
}

#[test]
fn the_store_is_asked_for_the_api_client_of_the_site() {
    let text = "[sites.one]\ncustomer_id = 'a'\nclient_id = 'client-1'\n\
                [sites.two]\ncustomer_id = 'a'\nclient_id = 'client-2'\n";
    let stored = MemoryKeystore::with("client-1", "hunter2");
    let problems = Given::file(text).keystore(stored).problems();
    assert!(problems.starts_with("the settings have a problem:\n\nsites.two.client_secret"));
    let stored = MemoryKeystore::with("one", "hunter2");
    let problems = Given::file(text).keystore(stored).problems();
    assert!(problems.starts_with("the settings have 2 problems:"));
}

#[test]
fn a_store_that_fails_is_told_with_all_other_ways() {
    let given = Given::file(&site("")).keystore(MemoryKeystore::absent());
    let problems = given.problems();
    for words in [
        "no client secret is set, and the system's credential store cannot be reached: no bus",
        "citrix-odata-proxy secret set",
        "client_secret_file, client_secret_env and client_secret",
    ] {
        assert!(problems.contains(words), "{problems}");
    }
    // It is not asked when a secret is named.
    let given = Given::file(SITE).keystore(MemoryKeystore::absent());
    assert_eq!(given.load().config.sites.len(), 1);
}

#[test]
fn a_credential_that_cannot_be_used_is_a_problem_and_not_passed_over() {
    for (content, words) in [
        ("\n", "is empty"),
        ("hunter2\nhunter2", "more than one line"),
    ] {
        let given = Given::file(&site(""))
            .with("credentials/main.client_secret", content)
            .keystore(MemoryKeystore::with("b", "hunter2"));
        let folder = given.folder.path().join("credentials");
        let given = given.variable("CREDENTIALS_DIRECTORY", folder.to_str().unwrap());
        let problems = given.problems();
        assert!(
            problems.contains("the systemd credential `DIR/credentials"),
            "{problems}"
        );
        assert!(
            problems.contains(words) && problems.contains("LoadCredential="),
            "{problems}"
        );
    }
}

#[test]
fn api_clients_are_known_without_their_secrets() {
    let text = "[cache]\nttl = 'nonsense'\n\
                [sites.file]\nclient_id = 'b'\nclient_secret_file = 'absent.txt'\n\
                [sites.main]\nclient_id = 'a'\n";
    let given = Given::file(text).keystore(MemoryKeystore::absent());
    let clients = api_clients(&given.surroundings, &given.flags).unwrap();
    let clients: Vec<_> = clients
        .iter()
        .map(|client| {
            (
                client.site.as_str(),
                &*client.client_id,
                client.secret_elsewhere.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        clients,
        [
            ("file", "b", Some("client_secret_file")),
            ("main", "a", None)
        ]
    );
    let given = Given::file("[sites.main]\ncustomer_id = 'a'");
    let error = api_clients(&given.surroundings, &given.flags).unwrap_err();
    assert_eq!(error.problems()[0].key, "sites.main.client_id");
}

#[cfg(unix)]
#[test]
fn a_secret_that_everybody_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let given = |mode| {
        let given = Given::file(&site("client_secret_file = 'secrets/main.txt'"))
            .with("secrets/main.txt", "hunter2");
        let file = given.folder.path().join("secrets/main.txt");
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
        given
    };
    assert_eq!(given(0o600).load().warnings, [""; 0]);
    let open = given(0o644);
    let warnings = open.load().warnings;
    assert_eq!(warnings.len(), 1);
    let warning = open.neutral(&warnings[0]);
    assert!(warning.contains("`DIR/secrets/main.txt`") && warning.contains("chmod 600"));
    // What systemd hands over has the mode that it has.
    let folder = open.folder.path().join("secrets");
    let open = open.variable("CREDENTIALS_DIRECTORY", folder.to_str().unwrap());
    assert_eq!(open.load().warnings, [""; 0]);
}

#[test]
fn says_what_is_wrong_with_a_secret_without_showing_it() {
    let cases = [
        ("", "no client secret is set"),
        ("client_secret = ''", "no client secret is set"),
        (
            "client_secret = ['hunter2']",
            "this must be text, not a list",
        ),
        (
            "client_secret = 'hunter2'\nclient_secret_env = 'SECRET'",
            "in more than one way",
        ),
        (
            "client_secret_file = 'hunter2'",
            "the file it names does not exist",
        ),
        (
            "client_secret_file = 'empty.txt'",
            "the file it names is empty",
        ),
        ("client_secret_file = 'folder'", "the file it names"),
        ("client_secret_file = 'lines.txt'", "has more than one line"),
        (
            "client_secret_file = 'latin1.txt'",
            "the file it names is not text",
        ),
        (
            "client_secret_file = \"C:\\temp\"",
            "the path contains a control character",
        ),
        (
            "client_secret_env = 'hunter2'",
            "the variable it names is not set",
        ),
        (
            "client_secret_env = 'EMPTY'",
            "the variable it names is empty",
        ),
        ("customer_idd = 'hunter2'", "there is no such setting"),
        ("client_secret = hunter2", "not TOML"),
        ("client_secret = 'hunter2", "not TOML"),
        ("client_secret = \"\\hunter2\"", "not TOML"),
        (
            "client_secret = 'x'\nupstream.endpoint = 'https://x:hunter2@api.cloud.com'",
            "a user name or password",
        ),
        ("client_secret = 'x'\nclient_id = 'b'", "not TOML"),
    ];
    for (lines, expected) in cases {
        let given = Given::file(&site(lines))
            .with("empty.txt", "\r\n")
            .with("lines.txt", "hunter2\nhunter2\n")
            .with("latin1.txt", b"hunter2\xE9")
            .with("folder/file", "")
            .variable("SECRET", "hunter2")
            .variable("EMPTY", "");
        let problems = given.problems();
        assert!(problems.contains(expected), "{lines}: {problems}");
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_text_is_a_problem() {
    use std::os::unix::ffi::OsStringExt;

    let mut given = Given::sound("");
    let value = std::ffi::OsString::from_vec(b"hunter2\xFF".to_vec());
    let name = "CITRIX_ODATA_PROXY__SITES__MAIN__CLIENT_SECRET".to_owned();
    given.surroundings.variables.insert(name, value);
    assert!(given.problems().contains("not Unicode text"));
}
