//! What the pages of programs have in common.

use maud::{Markup, html};

use super::target::Target;
use crate::pages::address::Address;
use crate::pages::shell::copyable;

/// A text to copy, with a line above it that says what it is. `id` is not used twice on a page.
pub(super) fn snippet(id: &str, title: &str, text: &str) -> Markup {
    html! {
        div class="snippet" {
            h3 { (title) }
            (copyable(id, text.trim_end()))
        }
    }
}

/// An aside: something that goes wrong when one does not know it.
pub(super) fn note(content: &Markup) -> Markup {
    html! { div class="note" { (content) } }
}

/// How to sign in, by the words of the program. `keys` as in the room's settings.
pub(in crate::pages) fn sign_in(keys: bool, anonymous: &str, with_key: &str) -> Markup {
    html! {
        @if keys {
            "Sign in: " b { (with_key) } ". Any user name will do; the password is the access key."
        } @else {
            "Sign in: " b { (anonymous) } "."
        }
    }
}

/// The link to the connection file of the whole site.
pub(super) fn site_file(address: &Address, target: &Target) -> String {
    address.link(&format!("/connect/citrix.pbids?site={}", target.site))
}

/// The link to the connection file of the set alone.
pub(super) fn set_file(address: &Address, target: &Target) -> String {
    address.link(&format!("/connect/citrix.pbids?{}", target.choice()))
}

/// Says which rows a filter by date leaves out, and where they are; nothing where each row has a date.
pub(super) fn undated(target: &Target) -> Markup {
    html! {
        @if let (Some(date), Some(address)) = (target.date(), target.undated_query()) {
            p {
                "Rows without " (date) ", if there are any, are not among these: " a href=(address) { "ask for them alone" } "."
            }
        }
    }
}

/// A program or a machine other than this one takes `localhost` for itself.
pub(super) fn is_local(target: &Target) -> bool {
    let host = url::Url::parse(&target.root);
    host.ok().is_some_and(|url| match url.host() {
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::target;
    use super::*;

    #[test]
    fn this_machine_has_several_names() {
        for (root, expected) in [
            ("http://localhost:8484/monitorodata", true),
            ("http://127.0.0.1:8484/monitorodata", true),
            ("http://[::1]:8484/monitorodata", true),
            ("https://bi.example.com/monitorodata", false),
            ("/monitorodata", false),
        ] {
            let target = Target {
                root: root.to_owned(),
                ..target()
            };
            assert_eq!(is_local(&target), expected, "{root}");
        }
    }
}
