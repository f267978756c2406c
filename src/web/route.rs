//! Which surface does a path belong to? Pure.
//!
//! Clients are careless with slashes: Olingo joins with `//`, python-odata asks for `$metadata/`, people leave
//! the last slash out or put it in. All of that is read here, and nothing is ever redirected, because Power
//! Query does not follow every kind of redirect.

use std::borrow::Cow;

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// To an OData service.
    Odata {
        /// The site's name as the client typed it; `None` for the default site.
        site: Option<&'a str>,
        /// The path of the service root as the client typed it: `/main/MonitorOData`.
        root: &'a str,
        /// What follows the root, still encoded, without slashes at its ends.
        below: &'a str,
    },
    /// To the operator's surface, or nowhere.
    Operator,
}

/// Reads a path whose slashes are [`tidy`].
pub(crate) fn route(path: &str) -> Route<'_> {
    let mut segments = path.splitn(4, '/').skip(1);
    let (first, second) = (segments.next().unwrap_or_default(), segments.next());
    let (site, root_len) = match second {
        _ if is_service(first) => (None, 1 + first.len()),
        Some(second) if is_service(second) => (Some(first), 2 + first.len() + second.len()),
        _ => return Route::Operator,
    };
    let (root, below) = path.split_at_checked(root_len).unwrap_or((path, ""));
    Route::Odata {
        site,
        root,
        below: below.strip_prefix('/').unwrap_or(below),
    }
}

fn is_service(segment: &str) -> bool {
    segment.eq_ignore_ascii_case("monitorodata")
}

/// With one slash at its beginning and none at its end, and without doubled ones, except between quotes: those belong to a
/// key. Most paths are like that as they come.
pub(crate) fn tidy(path: &str) -> Cow<'_, str> {
    if path.starts_with('/') && !path.ends_with('/') && !path.contains("//") {
        return Cow::Borrowed(path);
    }
    let mut kept = String::with_capacity(path.len() + 1);
    kept.push('/');
    let mut quoted = false;
    for (at, c) in path.char_indices() {
        let quote = c == '\'' || path.get(at..at + 3) == Some("%27");
        quoted ^= quote;
        let doubled = c == '/' && kept.ends_with('/');
        if quoted || !doubled {
            kept.push(c);
        }
    }
    let len = kept.trim_end_matches('/').len();
    kept.truncate(len.max(1));
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &str) {
        let tidy = tidy(path);
        let found = match route(&tidy) {
            Route::Odata { site, root, below } => {
                format!("{} | {root} | {below}", site.unwrap_or("-"))
            }
            Route::Operator => tidy.into_owned(),
        };
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn finds_the_service_however_it_is_written() {
        check("/monitorodata", "- | /monitorodata | ");
        check("/monitorodata/", "- | /monitorodata | ");
        check("//monitorodata//", "- | /monitorodata | ");
        check("/MonitorOData/Sessions", "- | /MonitorOData | Sessions");
        check("/monitorodata//Sessions/", "- | /monitorodata | Sessions");
        check("/monitorodata/$metadata/", "- | /monitorodata | $metadata");
        check("/monitorodata/$batch", "- | /monitorodata | $batch");
        check(
            "/monitorodata/Sessions(5)//User/",
            "- | /monitorodata | Sessions(5)/User",
        );
    }

    #[test]
    fn finds_a_named_site() {
        check("/main/monitorodata", "main | /main/monitorodata | ");
        check(
            "/Main//MONITORODATA/Users",
            "Main | /Main/MONITORODATA | Users",
        );
        check("/api/monitorodata", "api | /api/monitorodata | ");
        check(
            "/monitorodata/monitorodata",
            "- | /monitorodata | monitorodata",
        );
    }

    #[test]
    fn leaves_keys_alone() {
        check(
            "/monitorodata/Users('a//b')/",
            "- | /monitorodata | Users('a//b')",
        );
        check(
            "/monitorodata/Users(%27a//b%27)//X",
            "- | /monitorodata | Users(%27a//b%27)/X",
        );
        check(
            "/monitorodata/Users('é''//')//X",
            "- | /monitorodata | Users('é''//')/X",
        );
    }

    #[test]
    fn hands_the_rest_to_the_operator() {
        check("/", "/");
        check("", "/");
        check("/healthz/", "/healthz");
        check("//api//status", "/api/status");
        check("/Sessions", "/Sessions");
        check("/monitorodatas/Sessions", "/monitorodatas/Sessions");
        check("/a/b/monitorodata", "/a/b/monitorodata");
        check("*", "/*");
    }
}
