//! Which surface does a path belong to? Pure.
//!
//! Clients are careless with slashes: Olingo joins with `//`, python-odata asks for `$metadata/`, people leave
//! the last slash out or put it in. All of that is read here, and nothing is ever redirected, because Power
//! Query does not follow every kind of redirect.

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// To an OData service.
    Odata {
        /// The site's name in lower case; `None` for the default site.
        site: Option<String>,
        /// The path of the service root as the client typed it, slashes tidied: `/main/MonitorOData`.
        root: String,
        /// What follows the root, still encoded, without slashes at its ends.
        below: String,
    },
    /// To the operator's surface, or nowhere.
    Operator {
        /// The path, slashes tidied.
        path: String,
    },
}

/// Reads a path.
pub(crate) fn route(path: &str) -> Route {
    let tidy = tidy(path);
    let mut segments = tidy.splitn(3, '/');
    let first = segments.next().unwrap_or_default();
    if is_service(first) {
        return Route::Odata {
            site: None,
            root: format!("/{first}"),
            below: below(&tidy, first.len()),
        };
    }
    match segments.next() {
        Some(second) if is_service(second) => Route::Odata {
            site: Some(first.to_ascii_lowercase()),
            root: format!("/{first}/{second}"),
            below: below(&tidy, first.len() + 1 + second.len()),
        },
        _ => Route::Operator {
            path: format!("/{tidy}"),
        },
    }
}

fn is_service(segment: &str) -> bool {
    segment.eq_ignore_ascii_case("monitorodata")
}

fn below(tidy: &str, root_len: usize) -> String {
    tidy.get(root_len + 1..).unwrap_or_default().to_owned()
}

/// Without slashes at the ends, and without doubled ones, except between quotes: those belong to a key.
fn tidy(path: &str) -> String {
    let mut kept = String::with_capacity(path.len());
    let mut quoted = false;
    for (at, c) in path.char_indices() {
        let quote = c == '\'' || path.get(at..at + 3) == Some("%27");
        quoted ^= quote;
        let doubled = c == '/' && (kept.is_empty() || kept.ends_with('/'));
        if quoted || !doubled {
            kept.push(c);
        }
    }
    kept.truncate(kept.trim_end_matches('/').len());
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &str) {
        let found = match route(path) {
            Route::Odata { site, root, below } => {
                format!("{} | {root} | {below}", site.as_deref().unwrap_or("-"))
            }
            Route::Operator { path } => path,
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
            "main | /Main/MONITORODATA | Users",
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
