//! Questions in many spellings.

use proptest::prelude::*;

use super::*;

fn ask(url: &str) -> Result<Question, ParseError> {
    let (path, query) = url
        .split_once('?')
        .map_or((url, None), |(p, q)| (p, Some(q)));
    Question::parse(path, query)
}

#[track_caller]
fn check(url: &str, canonical: &str) {
    let question = ask(url).unwrap();
    assert_eq!(question.canonical(), canonical);
    assert_eq!(ask(canonical).unwrap(), question);
}

#[test]
fn spellings_of_one_question_meet() {
    check("", "");
    check("//", "");
    check("/$metadata/", "$metadata");
    check("%24metadata", "$metadata");
    check("/Sessions//", "Sessions");
    check("Sessions()", "Sessions");
    check("Sessions()/$count/", "Sessions/$count");
    check("Sessions?%24top=5", "Sessions?$top=5");
    check("Sessions?top=5", "Sessions?$top=5");
    check("Sessions?$Top=+5+", "Sessions?$top=5");
    check("Sessions?+TOP=5", "Sessions?$top=5");
    check("S?&$top=1&&$skip=2&", "S?$skip=2&$top=1");
    check(
        "S?$select=A%2CB,+C&$filter=A+%20eq%091",
        "S?$filter=A%20eq%201&$select=A,B,C",
    );
    check(
        "S?$expand=N(%20$select=A%20;%20$top=1%20)",
        "S?$expand=N($select=A;$top=1)",
    );
    check(
        "S?$filter=A+eq+'x++%2B%2f%26%25''y'",
        "S?$filter=A%20eq%20'x%20%20%2B/%26%25''y'",
    );
    check("S?$filter=A+eq+%27%c3%a9%27", "S?$filter=A%20eq%20'%C3%A9'");
}

#[test]
fn keeps_what_is_not_ours_to_change() {
    check("S?null=null&b=+2+&a=1&b=1", "S?a=1&b=%202%20&b=1&null=null");
    check("S?%2524top=1", "S?%2524top=1");
    check("S?a%3Db=c=d", "S?a%3Db=c=d");
    check("S?@p=%27x%27", "S?@p='x'");
    check("S?flag", "S?flag=");
    check("S?$skiptoken=a++b", "S?$skiptoken=a%20%20b");
    check(
        "S?$search=%22a++b%22+++c",
        "S?$search=%22a%20%20b%22%20%20%20c",
    );
    check("S('a%2Fb')", "S('a%2Fb')");
    check("S('a+b')", "S('a%2Bb')");
    check("S(5)/User", "S(5)/User");
    check("S/Ns.Type", "S/Ns.Type");
    check("S/$query", "S/$query");
    check("sessions", "sessions");
}

#[test]
fn paths_name_resources() {
    let check = |path: &str, resource: Resource| {
        assert_eq!(Question::parse(path, None).unwrap().resource, resource);
    };
    let set = || EntitySet::new("S").unwrap();
    let entity = |key: &str, rest: &[&str]| Resource::Entity {
        set: set(),
        key: key.into(),
        rest: rest.iter().map(|s| (*s).to_owned()).collect(),
    };
    check("/$batch/", Resource::Batch);
    check("S( )", Resource::Other(vec!["S( )".into()]));
    check("S/$count", Resource::Count(set()));
    check("S('%25%2F'')')", entity("'%/'')'", &[]));
    check("S( A=1,B='x' )", entity("A=1,B='x'", &[]));
    check("S(5)/User/$count", entity("5", &["User", "$count"]));
    check(
        "S()/User",
        Resource::Other(vec!["S()".into(), "User".into()]),
    );
    check("$all", Resource::Other(vec!["$all".into()]));
    check("1S", Resource::Other(vec!["1S".into()]));
}

#[test]
fn faults_are_named() {
    let check = |url: &str, message: &str| {
        assert_eq!(ask(url).unwrap_err().to_string(), message);
    };
    check("S%2", "bad percent-encoding");
    check("S?$filter=%E9", "bad percent-encoding");
    check("S?$top=1&top=1", "query option `$top` appears twice");
    check("S/../T", "a path segment is `.` or `..`");
    check("S/%2e%2E/T", "a path segment is `.` or `..`");
    check("./S", "a path segment is `.` or `..`");
    for url in ["S%0A", "S/a%00b", "S/%2509"] {
        check(url, "a path segment holds a control character");
    }
}

#[test]
fn options_can_be_changed() {
    let question = ask("S?$top=5&$skip=x&a=1").unwrap();
    assert_eq!((question.top(), question.skip()), (Some(5), None));
    let changed = question.with("$skip", "10").without("a").with("b", " ");
    assert_eq!(changed.canonical(), "S?$skip=10&$top=5&b=%20");
    assert_eq!(changed.skip(), Some(10));
    let all = Question::collection(EntitySet::new("S").unwrap());
    assert_eq!(all.canonical(), "S");
    assert_eq!(ask("S?$top=+").unwrap().top(), None);
}

/// Spells `text` in some other way that means the same: any character may be percent-encoded, in either
/// case of hexadecimal digits, and a space may be a plus sign.
fn spell(text: &str, choices: &[u8]) -> String {
    let encoded = |c: char| {
        let mut bytes = [0; 4];
        let bytes = c.encode_utf8(&mut bytes).bytes();
        let bytes: Vec<String> = bytes.map(|byte| format!("%{byte:02X}")).collect();
        bytes.concat()
    };
    let spelled = text.chars().zip(choices.iter().cycle()).map(|(c, choice)| {
        let plain = c.is_ascii_alphanumeric() || "$'(),:;/@*!".contains(c);
        match choice % 3 {
            0 if plain => c.to_string(),
            0 | 1 if c == ' ' => "+".to_owned(),
            1 => encoded(c).to_lowercase(),
            _ => encoded(c),
        }
    });
    spelled.collect()
}

/// A string literal with anything in it, quotes doubled.
fn literal() -> impl Strategy<Value = String> {
    "[a-z '\"%+/;&=#?,()é\u{1F600}$\\\\]{0,8}|%2[0BF5]".prop_map(|s| s.replace('\'', "''"))
}

proptest! {
    #[test]
    fn spellings_meet(
        value in literal(),
        choices in prop::collection::vec(any::<u8>(), 1..40),
        swapped: bool,
        dollar: bool,
        blanks in "[ \t]{0,3}",
    ) {
        let plain = format!("A eq '{value}' and contains(B,'{value}')");
        let loose = format!("{blanks}A eq {blanks}'{value}' and contains({blanks}B{blanks},{blanks}'{value}'{blanks}){blanks}");
        let name = if dollar { "$filter" } else { "FILTER" };
        let filter = format!("{}={}", spell(name, &choices), spell(&loose, &choices));
        let query = if swapped {
            format!("%24top=5&{filter}")
        } else {
            format!("{filter}&&top=5")
        };
        let question = Question::parse("/S/", Some(&query)).unwrap();
        prop_assert_eq!(question.option("$filter"), Some(plain.as_str()));
        let straight = Question::parse("S", None).unwrap().with("$top", "5").with("$filter", &plain);
        prop_assert_eq!(question.canonical(), straight.canonical());
        prop_assert_eq!(question, straight);
    }

    #[test]
    fn different_literals_never_meet(
        a in literal(),
        b in literal(),
        name in "\\$filter|\\$orderby|\\$expand|\\$apply|\\$search|custom|\\$skiptoken",
    ) {
        let question = |value: &str| {
            let value = format!("A eq '{value}' and B eq 1");
            let query = format!("{}={}", spell(&name, &[1]), spell(&value, &[2]));
            Question::parse("S", Some(&query)).unwrap()
        };
        prop_assert_eq!(a == b, question(&a).canonical() == question(&b).canonical());
    }

    #[test]
    fn different_keys_never_meet(a in literal(), b in literal()) {
        let question = |key: &str| {
            Question::parse(&encode_segment(&format!("S('{key}')")), None).unwrap()
        };
        prop_assert_eq!(a == b, question(&a).canonical() == question(&b).canonical());
    }

    #[test]
    fn different_custom_values_never_meet(a in "\\PC{0,6}", b in "\\PC{0,6}") {
        let question = |value: &str| {
            Question::parse("S", Some(&format!("x={}", encode_value(value)))).unwrap()
        };
        prop_assert_eq!(a == b, question(&a).canonical() == question(&b).canonical());
    }

    #[test]
    fn canonical_text_reads_back(path in "\\PC*|[A-Z$()'/a.%2F]{0,12}", query in "\\PC*|[$a-z=&+%2'\"(), ;]{0,40}") {
        if let Ok(question) = Question::parse(&path, Some(&query)) {
            let canonical = question.canonical();
            let again = ask(&canonical).unwrap();
            prop_assert_eq!(again.canonical(), canonical);
            prop_assert_eq!(again, question);
        }
    }

    #[test]
    fn tidying_keeps_the_words(value in "[A-C '\"(),;]{0,30}") {
        let query = format!("$expand={}", encode_value(&value));
        let question = Question::parse("S", Some(&query)).unwrap();
        let words = |text: &str| text.replace(' ', "");
        prop_assert_eq!(words(question.option("$expand").unwrap()), words(&value));
    }
}
