//! What is said when settings are wrong.

use super::*;

const WRONG: &str = r#"
[server]
lisen = "127.0.0.1:1"
drain = 30
listen = ["0.0.0.0:8484", "8484"]

[sites.main]
region = "mars"
customer_id = "acme 1234"
client_secret = 42
client_secret_env = "NO_SUCH"
[sites.main.upstream]
endpoint = "http://api.cloud.com"
concurrency = 0

[cache]
memory = "lots"
[[cache.rules]]
ttl = "30"
[[cache.rules]]
set = ["Sessions"]

[log]
filter = "info,=loud="
"#;

#[test]
#[expect(clippy::too_many_lines, reason = "one picture of all problems")]
fn says_everything_that_is_wrong_at_once() {
    let given = Given::file(WRONG);
    let given = given.variable("CITRIX_ODATA_PROXY__CACHE__TLL", "5m");
    insta::assert_snapshot!(given.problems(), @r#"
    the settings have 18 problems:

    cache.rules.2.set
      from:    DIR/citrix-odata-proxy.toml, line 21
      problem: there is no such setting
      hint:    the nearest one is `cache.rules.2.sets`

    server.lisen
      from:    DIR/citrix-odata-proxy.toml, line 3
      problem: there is no such setting
      hint:    the nearest one is `server.listen`

    cache.tll
      from:    variable CITRIX_ODATA_PROXY__CACHE__TLL
      problem: there is no such setting
      hint:    the nearest one is `cache.ttl`

    server.listen
      from:    DIR/citrix-odata-proxy.toml, line 5
      problem: `8484` is not an address with a port
      hint:    write IP address and port, like "127.0.0.1:8484" or "[::1]:8484"

    server.listen
      from:    DIR/citrix-odata-proxy.toml, line 5
      problem: `0.0.0.0:8484` can be reached from other machines, and this server answers anyone who can reach it
      hint:    listen on 127.0.0.1 and [::1] only; or make a key with `citrix-odata-proxy key` and put its section [[server.keys]] into the settings file; or set server.anonymous = true, if everyone who reaches the address may read everything

    server.listen
      from:    DIR/citrix-odata-proxy.toml, line 5
      problem: `0.0.0.0:8484` can be reached from other machines, and data and keys would travel unencrypted
      hint:    set certificate_file and key_file in [server.tls]; or server.plain_http = true, if the network itself, or a reverse proxy, encrypts

    server.drain
      from:    DIR/citrix-odata-proxy.toml, line 4
      problem: `30` has no unit
      hint:    write a duration like "30s", "5m" or "1h 30m"

    sites.main.region
      from:    DIR/citrix-odata-proxy.toml, line 8
      problem: `mars` is not known here
      hint:    known: us, eu, ap-s, jp

    sites.main.customer_id
      from:    DIR/citrix-odata-proxy.toml, line 9
      problem: an id has letters, digits, `-`, `_` and `.` only
      hint:    Citrix Cloud console > Identity and Access Management > API Access shows the customer id

    sites.main.client_id
      from:    DIR/citrix-odata-proxy.toml, line 7
      problem: this is not set
      hint:    Citrix Cloud console > Identity and Access Management > API Access > Service principals (or Secure clients) shows the client id

    sites.main.client_secret
      from:    DIR/citrix-odata-proxy.toml, line 10
      problem: this must be text, not a number
      hint:    put it in quotes

    sites.main.upstream.endpoint
      from:    DIR/citrix-odata-proxy.toml, line 13
      problem: `http://api.cloud.com/` would carry the client secret unencrypted
      hint:    use https://; http:// is allowed for this machine only (localhost, 127.0.0.1, [::1])

    sites.main.upstream.concurrency
      from:    DIR/citrix-odata-proxy.toml, line 14
      problem: this is not a number within the limits
      hint:    write a whole number from 1 to 64

    cache.memory
      from:    DIR/citrix-odata-proxy.toml, line 17
      problem: `lots` is not a size
      hint:    write a size like "256MiB", "4GiB" or a number of bytes

    cache.rules.1
      from:    DIR/citrix-odata-proxy.toml, line 18
      problem: the rule names no entity sets
      hint:    write a section [[cache.rules]] with sets = ["Sessions"] and ttl = "10m" below it

    cache.rules.1.ttl
      from:    DIR/citrix-odata-proxy.toml, line 19
      problem: `30` has no unit
      hint:    write a duration like "30s", "5m" or "1h 30m"

    cache.rules.2
      from:    DIR/citrix-odata-proxy.toml, line 20
      problem: the rule names no entity sets
      hint:    write a section [[cache.rules]] with sets = ["Sessions"] and ttl = "10m" below it

    log.filter
      from:    DIR/citrix-odata-proxy.toml, line 24
      problem: this is not a filter for log output
      hint:    write a level (error, warn, info, debug, trace), or "info,citrix_odata_proxy=debug"
    "#);
}

const WRONG_WARM: &str = r#"
[[warm]]
site = "eu"
question = "monitorodata/Sessions"
every = "30s"

[[warm]]
qestion = "Sessions"
corn = "0 6 * * *"

[[warm]]
question = "DirectorAgent"
every = "1h"
cron = "0 6 * * *"

[[warm]]
question = "Users?$top=1&$top=2"
cron = "0 6 30 2 *"
time_zone = "Berlin"

[[warm]]
question = 5
cron = "0 24 * * *"

[[warm]]
question = "Users?$filter=Name eq '50%'"
every = "1h"
time_zone = "UTC"

[[warm]]
question = "Sessions"
cron = "@daily"
time_zone = 1
"#;

#[test]
#[expect(clippy::too_many_lines, reason = "one picture of all problems")]
fn says_everything_that_is_wrong_with_questions_in_advance() {
    let given = Given::sound(WRONG_WARM);
    insta::assert_snapshot!(given.problems(), @r#"
    the settings have 18 problems:

    warm.2.corn
      from:    DIR/citrix-odata-proxy.toml, line 9
      problem: there is no such setting
      hint:    the nearest one is `warm.2.cron`

    warm.2.qestion
      from:    DIR/citrix-odata-proxy.toml, line 8
      problem: there is no such setting
      hint:    the nearest one is `warm.2.question`

    warm.1.site
      from:    DIR/citrix-odata-proxy.toml, line 3
      problem: there is no site `eu`
      hint:    set site to one of: main

    warm.1.question
      from:    DIR/citrix-odata-proxy.toml, line 4
      problem: this names no entity set
      hint:    write what stands behind /monitorodata/ in the address that clients ask for: "Sessions", "Users?$select=Id,UserName", "$metadata"

    warm.1.every
      from:    DIR/citrix-odata-proxy.toml, line 5
      problem: this is less than 1m
      hint:    write a duration like "30s", "5m" or "1h 30m"

    warm.2
      from:    DIR/citrix-odata-proxy.toml, line 7
      problem: there is no question
      hint:    write what stands behind /monitorodata/ in the address that clients ask for: "Sessions", "Users?$select=Id,UserName", "$metadata"

    warm.2
      from:    DIR/citrix-odata-proxy.toml, line 7
      problem: it is not said when
      hint:    set every = "1h", or cron = "0 6 * * 1-5" and time_zone

    warm.3.question
      from:    DIR/citrix-odata-proxy.toml, line 12
      problem: `DirectorAgent` is not offered, because of `sets.deny`
      hint:    write what stands behind /monitorodata/ in the address that clients ask for: "Sessions", "Users?$select=Id,UserName", "$metadata"

    warm.3
      from:    DIR/citrix-odata-proxy.toml, line 11
      problem: `every` and `cron` are both set
      hint:    keep one of the two

    warm.4.question
      from:    DIR/citrix-odata-proxy.toml, line 17
      problem: query option `$top` appears twice
      hint:    write what stands behind /monitorodata/ in the address that clients ask for: "Sessions", "Users?$select=Id,UserName", "$metadata"

    warm.4.time_zone
      from:    DIR/citrix-odata-proxy.toml, line 19
      problem: `Berlin` is no time zone
      hint:    write its name as in the IANA database, like "Europe/Berlin" or "UTC"

    warm.4.cron
      from:    DIR/citrix-odata-proxy.toml, line 18
      problem: no moment matches the cron expression
      hint:    write minute, hour, day of the month, month and day of the week: "0 6 * * 1-5" is six o'clock from Monday to Friday

    warm.5.question
      from:    DIR/citrix-odata-proxy.toml, line 22
      problem: this must be text, not a number
      hint:    put it in quotes

    warm.5.cron
      from:    DIR/citrix-odata-proxy.toml, line 23
      problem: the cron expression cannot be read: Number out of bounds
      hint:    write minute, hour, day of the month, month and day of the week: "0 6 * * 1-5" is six o'clock from Monday to Friday

    warm.6.question
      from:    DIR/citrix-odata-proxy.toml, line 26
      problem: bad percent-encoding
      hint:    write what stands behind /monitorodata/ in the address that clients ask for: "Sessions", "Users?$select=Id,UserName", "$metadata"

    warm.6.time_zone
      from:    DIR/citrix-odata-proxy.toml, line 28
      problem: a period has no time zone
      hint:    remove it, or set `cron` in place of `every`

    warm.7.time_zone
      from:    DIR/citrix-odata-proxy.toml, line 33
      problem: this must be text, not a number
      hint:    put it in quotes

    warm.7.cron
      from:    DIR/citrix-odata-proxy.toml, line 32
      problem: a cron expression has five fields, not 1
      hint:    write minute, hour, day of the month, month and day of the week: "0 6 * * 1-5" is six o'clock from Monday to Friday
    "#);
}

#[test]
fn a_list_of_tables_is_one_and_stands_in_the_file() {
    let cases = [
        ("warm = 5", "this must be a list of tables"),
        (
            "[warm]\nquestion = 'Users'",
            "this must be a list of tables",
        ),
        ("warm = ['Users']", "this must be a table"),
    ];
    for (text, expected) in cases {
        let problems = Given::sound(text).problems();
        assert!(problems.contains(expected), "{text}: {problems}");
        assert!(problems.contains("[[warm]]"), "{text}: {problems}");
    }
    for name in ["WARM", "WARM__1__QUESTION", "CACHE__RULES__1__TTL"] {
        let given = Given::sound("").variable(&format!("CITRIX_ODATA_PROXY__{name}"), "x");
        let problems = given.problems();
        assert!(
            problems.contains("cannot be set by a variable"),
            "{name}: {problems}"
        );
    }
}

#[test]
fn says_what_is_missing_when_only_some_variables_are_set() {
    let given = Given::nothing().variable("CITRIX_CUSTOMER_ID", "acme1234");
    let problems = given.problems();
    assert!(problems.contains("sites.main.client_id"), "{problems}");
    assert!(problems.contains("sites.main.client_secret"), "{problems}");
}

#[test]
fn explains_mistakes_in_toml() {
    let cases = [
        ("a = \"C:\\Users\\x\"", "column 10", "single quotes"),
        ("a = us", "column 5", "put the value in quotes"),
        ("a = C:\\Users\\x", "column 5", "put the value in quotes"),
        ("a = \u{201C}us\u{201D}", "column 5", "straight quotes"),
        ("a =", "column 4", "write a value after the `=`"),
        ("a: us", "column 4", "equals sign"),
    ];
    for (line, column, hint) in cases {
        let problems = Given::file(&format!("[server]\n{line}\n")).problems();
        for expected in ["line 2", column, hint] {
            assert!(
                problems.contains(expected),
                "{line}: {expected}: {problems}"
            );
        }
    }
}

#[test]
fn a_bad_name_for_a_site_hides_nothing_in_it() {
    let text = r#"
[sites.Main]
custmer_id = "acme"
region = "mars"
client_id = "id"
client_secret = "s"
[sites.Main.upstream]
concurrency = 0

[sites."a.b"]
region = "us"
regoin = "us"
[sites."a.b".upstream]
endpiont = ""
"#;
    let problems = Given::file(text).problems();
    // `a.b` cannot be part of a setting's name: `NAME` stands for it, and the line says which it is.
    let lines = problems.lines().filter(|line| {
        let key = !line.starts_with(' ') && line.starts_with("sites");
        key || line.starts_with("  from:") || line.starts_with("  problem:")
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r"
    sites.Main.custmer_id
      from:    DIR/citrix-odata-proxy.toml, line 3
      problem: there is no such setting
    sites.a.b
      from:    DIR/citrix-odata-proxy.toml, line 10
      problem: this is not a name for a site
    sites.NAME.regoin
      from:    DIR/citrix-odata-proxy.toml, line 12
      problem: there is no such setting
    sites.NAME.upstream.endpiont
      from:    DIR/citrix-odata-proxy.toml, line 14
      problem: there is no such setting
    sites.Main
      from:    DIR/citrix-odata-proxy.toml, line 2
      problem: this is not a name for a site
    sites.Main.region
      from:    DIR/citrix-odata-proxy.toml, line 4
      problem: `mars` is not known here
    sites.Main.customer_id
      from:    DIR/citrix-odata-proxy.toml, line 2
      problem: this is not set
    sites.Main.upstream.concurrency
      from:    DIR/citrix-odata-proxy.toml, line 8
      problem: this is not a number within the limits
    ");
}

#[test]
fn takes_only_sound_names_for_sites_and_sections() {
    let cases = [
        ("[sites.Main]\nregion = 'us'", "not a name for a site"),
        ("[sites.'a.b']\nregion = 'us'", "not a name for a site"),
        ("[sites.'']\nregion = 'us'", "not a name for a site"),
        ("[sites.-x]\nregion = 'us'", "not a name for a site"),
        ("[sites._1]\nregion = 'us'", "not a name for a site"),
        ("[sites]\n'a b' = 5", "not a name for a site"),
        ("[sites]\nMain = 5", "this is a section, not a setting"),
        ("[sites]\nmain = 5", "this is a section, not a setting"),
        ("server = 5", "this is a section, not a setting"),
        ("[server.listen]\na = 1", "this must be a list"),
        ("[severs]\na = 1", "the nearest one is `server`"),
    ];
    for (text, expected) in cases {
        let problems = Given::file(text).problems();
        assert!(problems.contains(expected), "{text}: {problems}");
    }
}
