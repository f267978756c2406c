//! What data there is: the sets of a site, a set's columns, and a page of its rows.
//!
//! - [`ask`]: one way to `$metadata` and to rows, the one that clients have;
//! - [`form`], [`query`], [`literal`]: from the page's address to an OData query, purely;
//! - [`rows`], [`table`]: from an answer to a table;
//! - [`sets`], [`about`], [`builder`], [`trouble`]: what is on the pages; [`place`]: their addresses;
//! - [`knowledge`]: what `$metadata` does not say.
//!
//! Invariants: a look asks for [`form::TOP_MAX`] rows at most; values of rows are text; an error has the status that a client would
//! get.

mod about;
mod ask;
mod builder;
mod form;
mod knowledge;
mod literal;
mod place;
mod query;
mod rows;
mod sets;
mod table;
mod trouble;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use url::form_urlencoded;

use self::ask::Trouble;
use self::form::Form;
use self::knowledge::knowledge;
use self::rows::Rows;
use self::table::Frame;
use super::Shared;
use super::address::Address;
use super::shell::{Page, Part};
use super::snippets::Feed;
use crate::odata::csdl::SetEntry;
use crate::odata::name::SiteId;

/// `GET /explore…`.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/explore", get(all))
        .route("/explore/{site}", get(of_site))
        .route("/explore/{site}/{set}", get(of_set))
}

/// The only site's sets; of several sites, a list.
async fn all(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let view = View::of(shared, &request);
    let sites = view.shared.gateway.sites();
    if let [only] = sites.as_slice() {
        let only = only.clone();
        return view.sets(&only).await;
    }
    let content = html! {
        h1 { "Explore" }
        p class="lead" { "Choose a site." }
        (view.site_list())
    };
    view.respond("Explore", StatusCode::OK, &content)
}

async fn of_site(
    State(shared): State<Arc<Shared>>,
    Path(site): Path<String>,
    request: Request,
) -> Response {
    let view = View::of(shared, &request);
    match view.site(&site) {
        Some(site) => view.sets(&site).await,
        None => view.no_such_site(&site),
    }
}

async fn of_set(
    State(shared): State<Arc<Shared>>,
    Path((site, set)): Path<(String, String)>,
    request: Request,
) -> Response {
    let view = View::of(shared, &request);
    match view.site(&site) {
        Some(site) => view.set(&site, &set).await,
        None => view.no_such_site(&site),
    }
}

/// One request for a page.
struct View {
    shared: Arc<Shared>,
    address: Address,
    query: Option<String>,
    headers: HeaderMap,
}

impl View {
    fn of(shared: Arc<Shared>, request: &Request) -> Self {
        let address = Address::of(shared.settings.public_url.as_ref(), request.uri());
        Self {
            shared,
            address,
            query: request.uri().query().map(str::to_owned),
            headers: request.headers().clone(),
        }
    }

    /// The site of that name, whatever its case.
    fn site(&self, name: &str) -> Option<SiteId> {
        let mut sites = self.shared.gateway.sites().into_iter();
        sites.find(|site| site.as_str().eq_ignore_ascii_case(name))
    }

    /// `/explore/{site}`.
    async fn sets(&self, site: &SiteId) -> Response {
        let catalogue = match ask::catalogue(&self.shared, site, &self.headers).await {
            Ok(catalogue) => catalogue,
            Err(trouble) => return self.trouble(&trouble, site, "the entity sets", &[]),
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
    async fn set(&self, site: &SiteId, name: &str) -> Response {
        let catalogue = match ask::catalogue(&self.shared, site, &self.headers).await {
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
        let reply = match ask::rows(&self.shared, site, feed, &self.headers).await {
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
        };
        let trouble = match ask::rows(&self.shared, site, &feed, &self.headers).await {
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

    fn no_such_site(&self, name: &str) -> Response {
        let content = html! {
            h1 { "No such site" }
            p { "There is no site " q { (name) } ". These are configured:" }
            (self.site_list())
        };
        self.respond("No such site", StatusCode::NOT_FOUND, &content)
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
