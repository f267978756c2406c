//! One request for a page of the explorer.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use url::form_urlencoded;

use super::ask::{self, Trouble};
use super::form::Form;
use super::knowledge::knowledge;
use super::rows::Rows;
use super::table::Frame;
use super::{about, builder, place, query, sets, table, trouble};
use crate::odata::csdl::SetEntry;
use crate::odata::name::SiteId;
use crate::pages::Shared;
use crate::pages::address::Address;
use crate::pages::shell::{Page, Part};
use crate::pages::snippets::Feed;

/// One request for a page.
pub(super) struct View {
    shared: Arc<Shared>,
    address: Address,
    query: Option<String>,
    headers: HeaderMap,
}

impl View {
    pub(super) fn of(shared: Arc<Shared>, request: &Request) -> Self {
        let address = Address::of(
            shared.settings.public_url.as_ref(),
            request.uri(),
            request.headers(),
        );
        Self {
            shared,
            address,
            query: request.uri().query().map(str::to_owned),
            headers: request.headers().clone(),
        }
    }

    /// The site, when there is but one.
    pub(super) fn only_site(&self) -> Option<SiteId> {
        let mut sites = self.shared.gateway.sites().into_iter();
        sites.next().filter(|_| sites.next().is_none())
    }

    /// The site of that name, whatever its case.
    pub(super) fn site(&self, name: &str) -> Option<SiteId> {
        let mut sites = self.shared.gateway.sites().into_iter();
        sites.find(|site| site.as_str().eq_ignore_ascii_case(name))
    }

    /// `/explore`, where there are several sites.
    pub(super) fn sites(&self) -> Response {
        let content = html! {
            h1 { "Explore" }
            p class="lead" { "Choose a site." }
            (self.site_list())
        };
        self.respond("Explore", StatusCode::OK, &content)
    }

    /// `/explore/{site}`.
    pub(super) async fn sets(&self, site: &SiteId) -> Response {
        let catalogue =
            match ask::catalogue(&*self.shared.settings.odata, site, &self.headers).await {
                Ok(catalogue) => catalogue,
                Err(trouble) => {
                    return self.trouble(&trouble, site, &format!("the sets of {site}"), &[]);
                }
            };
        let query = self.query.as_deref().unwrap_or_default();
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let wanted = pairs.find(|(name, _)| name == "q");
        let wanted = wanted.map(|(_, wanted)| wanted.trim().to_owned());
        let content = html! {
            (self.trail(Some(site), None))
            h1 { "Entity sets of " (site) }
            (sets::sets(&self.address, site, &catalogue, &wanted.unwrap_or_default()))
        };
        self.respond(&format!("Sets of {site}"), StatusCode::OK, &content)
    }

    /// `/explore/{site}/{set}`.
    pub(super) async fn set(&self, site: &SiteId, name: &str) -> Response {
        let catalogue =
            match ask::catalogue(&*self.shared.settings.odata, site, &self.headers).await {
                Ok(catalogue) => catalogue,
                Err(trouble) => return self.trouble(&trouble, site, name, &[]),
            };
        let Some(set) = catalogue.set(name) else {
            return self.absent(site, name, &catalogue.nearest(name)).await;
        };
        let form = Form::read(self.query.as_deref());
        let action = place::of_set(&self.address, site, &set.name);
        let now = self.shared.settings.clock.now();
        let options = query::options(&form, set, knowledge(), now);
        let default = self.shared.gateway.default_site();
        let feed = |query| Feed {
            root: self.address.service_root(site, default),
            set: set.name.clone(),
            query,
            keys: self.shared.settings.keys,
        };
        let (status, found, feed) = match options {
            Ok(options) => {
                let feed = feed(options);
                let (status, found) = if form.asked {
                    self.found(site, set, &form, &feed, &action).await
                } else {
                    (StatusCode::OK, html! {})
                };
                (status, found, Some(feed))
            }
            Err(faults) => (StatusCode::BAD_REQUEST, trouble::faults(&faults), None),
        };
        let content = html! {
            (self.trail(Some(site), Some(&set.name)))
            h1 { (set.name) }
            (about::facts(set))
            (builder::builder(&action, set, &form))
            @if form.asked {
                section id="rows" aria-labelledby="found-rows" {
                    h2 id="found-rows" { "Rows" }
                    (found)
                }
            }
            @if let Some(feed) = &feed { (builder::texts(&action, feed, &form)) }
            (about::columns(set))
            (about::links(&self.address, site, set))
        };
        self.respond(&set.name, status, &content)
    }

    /// The rows that a query finds, or why there are none.
    async fn found(
        &self,
        site: &SiteId,
        set: &SetEntry,
        form: &Form,
        feed: &Feed,
        action: &str,
    ) -> (StatusCode, Markup) {
        let reply = match ask::rows(&*self.shared.settings.odata, site, feed, &self.headers).await {
            Ok(reply) => reply,
            Err(trouble) => return (trouble.status, trouble::explained(&trouble)),
        };
        let Some(rows) = Rows::read(&reply.body, set, knowledge()) else {
            let trouble = Trouble::new(
                StatusCode::BAD_GATEWAY,
                "NoRows",
                "The answer holds no list of rows. Ask for an entity set, or open the address as JSON.",
            );
            return (trouble.status, trouble::explained(&trouble));
        };
        // A query by hand may say these by itself.
        let said = |name: &str| {
            let mut options = feed.query.iter();
            let value = options.find(|(known, _)| known == name);
            value.and_then(|(_, value)| value.parse::<u32>().ok())
        };
        let top = said("$top").unwrap_or(form.top);
        let skip = said("$skip").unwrap_or(0);
        let page = |skip: u32| format!("{action}?{}#rows", form.passing_over(skip).to_query());
        let frame = Frame {
            set: &set.name,
            skip,
            top,
            how: &format!("{}, in {} ms", reply.how, reply.took.as_millis()),
            before: (skip > 0).then(|| page(skip.saturating_sub(top))),
            after: page(skip.saturating_add(top)),
        };
        (StatusCode::OK, table::table(&rows, &frame))
    }

    /// A set that `$metadata` does not have: hidden, or not there at all. What a client would hear tells which.
    async fn absent(&self, site: &SiteId, name: &str, near: &[&str]) -> Response {
        let feed = Feed {
            root: String::new(),
            set: name.to_owned(),
            query: vec![("$top".to_owned(), "1".to_owned())],
            keys: false,
        };
        let trouble =
            match ask::rows(&*self.shared.settings.odata, site, &feed, &self.headers).await {
                Err(trouble) => trouble,
                Ok(_) => Trouble::new(
                    StatusCode::NOT_FOUND,
                    "NotFound",
                    format!(
                        "`$metadata` does not speak of `{name}`, so there is nothing to show of it."
                    ),
                ),
            };
        self.trouble(&trouble, site, name, near)
    }

    /// A page that says what went wrong, and what to do; `near` are sets that may have been meant.
    fn trouble(&self, trouble: &Trouble, site: &SiteId, what: &str, near: &[&str]) -> Response {
        let content = html! {
            (self.trail(Some(site), None))
            h1 { "No page for " (what) }
            (trouble::explained(trouble))
            @if !near.is_empty() {
                p { "Perhaps you want one of these:" }
                ul { @for set in near { li { a href=(place::of_set(&self.address, site, set)) { (set) } } } }
            }
            p { a href=(place::of_site(&self.address, site)) { "All sets of " (site) } ", " a href=(self.address.link("/")) { "how things are" } }
        };
        self.respond(&format!("No page for {what}"), trouble.status, &content)
    }

    pub(super) fn no_such_site(&self, name: &str) -> Response {
        let content = html! {
            h1 { "No such site" }
            p { "There is no site " q { (name) } ". These are configured:" }
            (self.site_list())
        };
        self.respond("No such site", StatusCode::NOT_FOUND, &content)
    }

    /// An address whose percent-encoding is not that of any text.
    pub(super) fn unreadable(&self) -> Response {
        let trouble = Trouble::new(
            StatusCode::BAD_REQUEST,
            "InvalidRequest",
            "The address cannot be read: its percent-encoding is not UTF-8. Copy it again where it came from, or begin with a site.",
        );
        let content = html! {
            h1 { "No page at this address" }
            (trouble::explained(&trouble))
            (self.site_list())
        };
        self.respond("No page at this address", trouble.status, &content)
    }

    fn site_list(&self) -> Markup {
        let default = self.shared.gateway.default_site();
        html! {
            ul class="sites" {
                @for site in self.shared.gateway.sites() {
                    li {
                        a href=(place::of_site(&self.address, &site)) { (site) }
                        " " span class="soft" { code { (self.address.service_root(&site, default)) } }
                    }
                }
            }
        }
    }

    /// Where the page is.
    fn trail(&self, site: Option<&SiteId>, set: Option<&str>) -> Markup {
        html! {
            @if let Some(site) = site {
                nav class="trail" aria-label="Where this is" {
                    a href=(self.address.link("/explore")) { "Explore" }
                    " / "
                    a href=(place::of_site(&self.address, site)) { (site) }
                    @if let Some(set) = set { " / " span { (set) } }
                }
            }
        }
    }

    fn respond(&self, title: &str, status: StatusCode, content: &Markup) -> Response {
        let page = Page {
            title,
            part: Part::Explore,
            refresh: None,
            content: html! { div class="explore" { (content) } },
        };
        page.respond(status, &self.address)
    }
}
