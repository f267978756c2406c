//! What all pages have in common: head, navigation, headers.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, StatusCode, header};
use maud::{DOCTYPE, Markup, html};

use super::address::Address;
use super::assets;

/// The parts of the site, as in its navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// How things are.
    Home,
    /// What data there is.
    Explore,
    /// How to get at it.
    Connect,
}

/// A page.
#[derive(Debug)]
pub(super) struct Page<'a> {
    /// Its own title; the program's name comes behind it.
    pub title: &'a str,
    /// The part that it belongs to.
    pub part: Part,
    /// Looks again after so many seconds where there is no script.
    pub refresh: Option<u32>,
    /// What is in its `<main>`; begins with an `<h1>`.
    pub content: Markup,
}

impl Page<'_> {
    /// The response for a browser that knows us by this address.
    pub(super) fn respond(&self, status: StatusCode, address: &Address) -> Response {
        (status, HEADERS, self.render(address).into_string()).into_response()
    }

    fn render(&self, address: &Address) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) " · Citrix OData proxy" }
                    link rel="icon" href=(address.link(assets::icon()));
                    link rel="stylesheet" href=(address.link(assets::style()));
                    script src=(address.link(assets::script())) defer {}
                    @if let Some(seconds) = self.refresh {
                        noscript { meta http-equiv="refresh" content=(seconds); }
                    }
                }
                body {
                    a class="skip" href="#content" { "Skip to the content" }
                    header class="bar" {
                        a class="name" href=(address.link("/")) {
                            img src=(address.link(assets::icon())) alt="" width="24" height="24";
                            "Citrix OData proxy"
                        }
                        nav aria-label="Pages" {
                            @for (part, path, name) in PARTS {
                                a href=(address.link(path)) aria-current=[(part == self.part).then_some("page")] { (name) }
                            }
                        }
                    }
                    main id="content" { (self.content) }
                    footer {
                        "Version " (env!("CARGO_PKG_VERSION")) ". "
                        a href=(address.link("/api/status")) { "Status as JSON" } ", "
                        a href=(address.link("/metrics")) { "metrics" } ", "
                        a href=(address.link("/readyz")) { "readiness" } "."
                    }
                }
            }
        }
    }
}

/// A text with a button that copies it. `id` is not used twice on a page.
pub(super) fn copyable(id: &str, text: &str) -> Markup {
    html! {
        div class="copy" {
            pre id=(id) tabindex="0" { (text) }
            button type="button" data-copy=(id) { "Copy" }
        }
    }
}

const PARTS: [(Part, &str, &str); 3] = [
    (Part::Home, "/", "Status"),
    (Part::Explore, "/explore", "Explore"),
    (Part::Connect, "/connect", "Connect"),
];

/// Nothing but what this server serves, and no frame around it.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_TYPE, "text/html;charset=utf-8"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::CACHE_CONTROL, "no-store"),
    // With `no-referrer`, browsers would not say that a form of ours comes from here.
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Uri};

    use super::*;

    #[test]
    fn text_stays_text_and_the_part_is_marked() {
        let page = Page {
            title: "<b>\"x\"</b>",
            part: Part::Explore,
            refresh: Some(5),
            content: copyable("url", "</pre><script>alert(1)</script>"),
        };
        let uri = Uri::from_static("http://localhost:8484/explore");
        let address = Address::of(None, &uri, &HeaderMap::new());
        let text = page.render(&address).into_string();
        assert!(
            !text.contains("<b>") && !text.contains("<script>alert"),
            "{text}"
        );
        assert!(
            text.contains(r#"<a href="/explore" aria-current="page">"#),
            "{text}"
        );
        assert!(
            text.contains(r#"<noscript><meta http-equiv="refresh""#),
            "{text}"
        );
    }
}
