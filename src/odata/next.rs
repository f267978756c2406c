//! Does a next link continue the collection that it came with? Pure.
//!
//! A link is only followed when it asks the same question further on. Upstream repeats the other query options
//! in its links; a link that has lost the filter would bring rows that nobody asked for, and a link to another
//! path would bring another table's.

use super::link::ServiceRoot;
use super::question::{Question, Resource};

/// The question that `link` asks, when it continues `asked`; otherwise in what it differs.
///
/// The link may be absolute or relative, and its host is not looked at ([`ServiceRoot::below`]). A link with
/// `$skiptoken` may leave options out, because the token may stand for them.
pub fn continuation(root: &ServiceRoot, asked: &Question, link: &str) -> Result<Question, String> {
    let below = root.below(link).ok_or("it leads outside the service")?;
    let below = below.split('#').next().unwrap_or_default();
    let (path, query) = match below.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (below, None),
    };
    let path = if path.is_empty() {
        path_of(asked)
    } else {
        path.to_owned()
    };
    let next = Question::parse(&path, query).map_err(|error| error.to_string())?;
    if !same_resource(asked.resource(), next.resource()) {
        return Err("it names another path".to_owned());
    }
    for name in OPTIONS_THAT_CHOOSE_ROWS {
        match (asked.option(name), next.option(name)) {
            (Some(_), None) if next.option("$skiptoken").is_none() => {
                return Err(format!("it has lost `{name}`"));
            }
            (Some(asked), Some(next)) if asked != next => {
                return Err(format!("it changes `{name}`"));
            }
            (None, Some(_)) => return Err(format!("it adds `{name}`")),
            _ => {}
        }
    }
    Ok(next)
}

/// Whether `next` begins behind the `rows` rows that `page` brought. Where both say so by `$skip`, their numbers
/// decide: a link that goes back a little would bring rows twice. Tokens are opaque.
pub fn advances(page: &Question, rows: u64, next: &Question) -> bool {
    let opaque = |question: &Question| question.option("$skiptoken").is_some();
    if opaque(page) || opaque(next) {
        return true;
    }
    let Some(begins) = next.skip() else {
        return true;
    };
    begins >= page.skip().unwrap_or(0).saturating_add(rows)
}

fn path_of(question: &Question) -> String {
    let canonical = question.canonical();
    canonical.split('?').next().unwrap_or_default().to_owned()
}

/// Upstream folds case in set names, so its link may write a name in its own way.
fn same_resource(asked: &Resource, next: &Resource) -> bool {
    match (asked, next) {
        (Resource::Collection(asked), Resource::Collection(next)) => {
            asked.as_str().eq_ignore_ascii_case(next.as_str())
        }
        _ => asked == next,
    }
}

/// What must not change from page to page: which rows, in which order, with which columns.
const OPTIONS_THAT_CHOOSE_ROWS: [&str; 7] = [
    "$filter", "$apply", "$search", "$orderby", "$expand", "$select", "$compute",
];

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    fn check(asked: &str, link: &str, expected: Result<&str, &str>) {
        let root = ServiceRoot::new(&Url::parse("https://api.cloud.com/monitorodata").unwrap());
        let question = |text: &str| {
            let (path, query) = text.split_once('?').unwrap_or((text, ""));
            Question::parse(path, Some(query)).unwrap()
        };
        let next = continuation(&root, &question(asked), link);
        let next = next.as_ref().map(Question::canonical);
        assert_eq!(
            next.as_deref().map_err(|error| error.as_str()),
            expected,
            "{asked} → {link}"
        );
    }

    #[test]
    fn links_that_continue() {
        for link in [
            "https://api.cloud.com/monitorodata/Users?$skip=1000",
            "http://API-EU.cloud.com:8080/monitorodata/users?%24skip=1000",
            "/monitorodata/Users?$skip=1000",
            "Users?$skip=1000",
            "?$skip=1000",
        ] {
            let expected = if link.contains("users") {
                "users?$skip=1000"
            } else {
                "Users?$skip=1000"
            };
            check("Users", link, Ok(expected));
        }
        check(
            "Users?$filter=Name eq 'a b'&$top=2500",
            "https://api.cloud.com/monitorodata/Users?$filter=Name%20eq%20%27a%20b%27&$top=1500&$skip=1000",
            Ok("Users?$filter=Name%20eq%20'a%20b'&$skip=1000&$top=1500"),
        );
        check(
            "Users?$filter=Id eq 1",
            "Users?$skiptoken=abc",
            Ok("Users?$skiptoken=abc"),
        );
    }

    #[test]
    fn links_that_do_not() {
        for (asked, link, reason) in [
            (
                "Users",
                "https://evil.example/other/Users?$skip=1",
                "it leads outside the service",
            ),
            (
                "Users",
                "https://api.cloud.com/monitorodata/Machines?$skip=1",
                "it names another path",
            ),
            (
                "Users?$filter=Id eq 1",
                "Users?$skip=1",
                "it has lost `$filter`",
            ),
            (
                "Users?$filter=Id eq 1",
                "Users?$filter=Id eq 2&$skip=1",
                "it changes `$filter`",
            ),
            ("Users", "Users?$select=Id&$skip=1", "it adds `$select`"),
        ] {
            check(asked, link, Err(reason));
        }
    }

    #[test]
    fn a_link_that_goes_back_does_not_advance() {
        for (page, rows, next, expected) in [
            ("", 100, "$skip=100", true),
            ("$skip=100", 100, "$skip=200", true),
            ("$skip=100", 30, "$skip=130", true),
            ("$skip=100", 30, "$skip=200", true),
            ("", 100, "$skip=0", false),
            ("$skip=100", 100, "$skip=100", false),
            ("$skip=100", 100, "$skip=199", false),
            ("$skip=100", 100, "$skip=0", false),
            // Nothing came, so nothing can come twice.
            ("", 0, "$skip=0", true),
            ("", 100, "$skiptoken=x", true),
            ("$skiptoken=x", 100, "$skip=100", true),
            ("", 100, "$top=5", true),
        ] {
            let question = |query| Question::parse("Users", Some(query)).unwrap();
            let advances = advances(&question(page), rows, &question(next));
            assert_eq!(advances, expected, "{page} + {rows} → {next}");
        }
    }
}
