//! Secrets: three ways in, no way out.

use secrecy::ExposeSecret;

use super::*;

#[test]
fn takes_a_secret_in_one_of_three_ways() {
    let site = |line: &str| format!("[sites.main]\ncustomer_id = 'a'\nclient_id = 'b'\n{line}");
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
fn says_what_is_wrong_with_a_secret_without_showing_it() {
    let site = |lines: &str| format!("[sites.main]\ncustomer_id = 'a'\nclient_id = 'b'\n{lines}");
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
