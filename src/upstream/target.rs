//! Where a question goes: always below the configured service root.

use http::Uri;
use url::Url;

/// The address of `target`, a path and query below `root` that are already encoded. `None` when it would
/// lead elsewhere (dot segments, which some HTTP libraries resolve), lose a part (a fragment), or cannot be
/// written in a request.
pub(super) fn address(root: &Url, target: &str) -> Option<Uri> {
    let root = root.as_str().trim_end_matches('/');
    let path = target.split('?').next().unwrap_or_default();
    if target.contains('#') || path.contains('\\') || path.split('/').any(is_dot_segment) {
        return None;
    }
    let separator = if target.is_empty() || target.starts_with(['/', '?']) {
        ""
    } else {
        "/"
    };
    Uri::try_from(format!("{root}{separator}{target}")).ok()
}

fn is_dot_segment(segment: &str) -> bool {
    let plain = segment.replace("%2e", ".").replace("%2E", ".");
    plain == "." || plain == ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_stays_below_the_root() {
        let check = |root: &str, target: &str, expected: Option<&str>| {
            let root = root.parse().unwrap();
            let found = address(&root, target).map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), expected, "{root} {target}");
        };
        let root = "https://api.cloud.com/monitorodata";
        let whole = |rest: &str| format!("{root}{rest}");
        check(root, "", Some(root));
        check(root, "/$metadata", Some(&whole("/$metadata")));
        check(root, "Machines?$top=1", Some(&whole("/Machines?$top=1")));
        check(
            root,
            "/Machines?$filter=Name%20eq%20'a'",
            Some(&whole("/Machines?$filter=Name%20eq%20'a'")),
        );
        check("http://127.0.0.1:9/", "/X", Some("http://127.0.0.1:9/X"));
        check(root, ".evil.example/X", Some(&whole("/.evil.example/X")));
        check(root, "@evil.example/X", Some(&whole("/@evil.example/X")));
        check(root, "/X?q=../..", Some(&whole("/X?q=../..")));
        for elsewhere in [
            "/../catalogs",
            "/X/%2e%2E/../y",
            "/.%2e",
            "/X\\..\\y",
            "/X?$filter=a#b",
            "/X?q=a b",
        ] {
            check(root, elsewhere, None);
        }
    }
}
