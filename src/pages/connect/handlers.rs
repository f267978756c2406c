//! From a request to a page or a file: asks the gateway which sets there are, and no more.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use maud::{Markup, html};

use super::choice::{Choice, Unknown};
use super::inquiries::Inquired;
use super::picker::{Choices, Picker};
use super::programs::Program;
use super::target::{Target, choice};
use super::{guides, overview, pbids};
use crate::gateway::{OfferedSet, OfferedSets};
use crate::pages::Shared;
use crate::pages::address::Address;
use crate::pages::shell::{Page, Part};

/// `GET /connect…`.
pub(in crate::pages) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/connect", get(programs))
        .route("/connect/citrix.pbids", get(connection))
        .route("/connect/{program}", get(guide))
}

/// `GET /connect`: all programs.
async fn programs(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let visit = Visit::new(&shared, &request);
    visit
        .shown("Connect", |picked| {
            overview::content(&visit.address, &picked.picker, &picked.target)
        })
        .await
}

/// `GET /connect/{program}`: one of them.
async fn guide(
    State(shared): State<Arc<Shared>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let visit = Visit::new(&shared, &request);
    // What is not even a text is the name of none.
    let program = path.ok().and_then(|Path(name)| Program::named(&name));
    let Some(program) = program else {
        return visit.not_found(&html! {
            p { "There are no steps for a program of that name. These are known:" }
            ul {
                @for program in Program::ALL {
                    li { a href=(visit.address.link(&program.path())) { (program.name()) } }
                }
            }
        });
    };
    let title = format!("Connect {}", program.name());
    visit
        .shown(&title, |picked| {
            guides::content(program, &visit.address, &picked.picker, &picked.target)
        })
        .await
}

/// `GET /connect/citrix.pbids`: a connection file for a site; with `set`, for that set alone.
async fn connection(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let visit = Visit::new(&shared, &request);
    let file = match visit.choice.set {
        Some(_) => visit.set_file().await,
        None => visit.site_file(),
    };
    match file {
        Ok(file) => file,
        Err(unknown) => visit.unknown(&unknown).await,
    }
}

/// A request, read.
struct Visit<'a> {
    shared: &'a Shared,
    address: Address,
    choice: Choice,
}

/// What a visitor picked, and what else there is to pick.
struct Picked {
    target: Target,
    picker: Picker,
}

impl<'a> Visit<'a> {
    fn new(shared: &'a Shared, request: &Request) -> Self {
        Self {
            shared,
            address: Address::of(
                shared.settings.public_url.as_ref(),
                request.uri(),
                request.headers(),
            ),
            choice: Choice::read(request.uri().query()),
        }
    }

    async fn shown(&self, title: &str, content: impl FnOnce(&Picked) -> Markup) -> Response {
        match self.pick().await {
            Ok(picked) => self.respond(StatusCode::OK, title, content(&picked)),
            Err(unknown) => self.unknown(&unknown).await,
        }
    }

    /// The connection file of a set.
    async fn set_file(&self) -> Result<Response, Unknown> {
        let target = self.pick().await?.target;
        let site = (!target.is_default).then_some(&target.site);
        let name = pbids::file_name(site, Some(&target.set.name));
        Ok(pbids::download(&name, pbids::connection(&target.address())).into_response())
    }

    /// The connection file of a whole site: needs no set, and no answer of Citrix Cloud.
    fn site_file(&self) -> Result<Response, Unknown> {
        let gateway = &self.shared.gateway;
        let default = gateway.default_site();
        let site = self.choice.site(&gateway.sites(), default)?;
        let root = self.address.service_root(&site, default);
        let name = pbids::file_name((default != Some(&site)).then_some(&site), None);
        Ok(pbids::download(&name, pbids::connection(&root)).into_response())
    }

    async fn pick(&self) -> Result<Picked, Unknown> {
        let gateway = &self.shared.gateway;
        let (sites, default) = (gateway.sites(), gateway.default_site());
        let site = self.choice.site(&sites, default)?;
        let named = self.choice.set()?;
        let offered = self.shared.inquiries.sets(gateway, &site).await;
        let set = match (&offered, named) {
            (Inquired::Known(offered), Some(name)) => offered.set(name),
            (Inquired::Known(offered), None) => offered.set(FIRST_SET).or_else(|| first(offered)),
            (_, Some(name)) => gateway.presumed_set(&site, name),
            (_, None) => {
                let mut likely = std::iter::once(FIRST_SET).chain(OTHER_SETS);
                likely.find_map(|name| gateway.presumed_set(&site, name))
            }
        };
        let set = set.ok_or_else(|| Unknown::Set(named.unwrap_or(FIRST_SET).to_owned()))?;
        let owned = |sets: OfferedSets| sets.names().into_iter().map(str::to_owned).collect();
        Ok(Picked {
            target: Target {
                is_default: default == Some(&site),
                root: self.address.service_root(&site, default),
                site,
                set,
                keys: self.shared.settings.keys,
                now: self.shared.settings.clock.now(),
            },
            picker: Picker {
                sites,
                sets: match offered {
                    Inquired::Known(offered) => Choices::Known(owned(offered)),
                    Inquired::Underway => Choices::Awaited,
                    Inquired::InVain => Choices::Unknown,
                },
            },
        })
    }

    async fn unknown(&self, unknown: &Unknown) -> Response {
        let sentence = match unknown {
            Unknown::Site(name) => html! {
                p { "There is no site called " code { (name) } ". The sites are:" }
                ul {
                    @for site in self.shared.gateway.sites() {
                        li { a href=(self.address.link(&format!("/connect?site={site}"))) { (site) } }
                    }
                }
            },
            Unknown::Set(name) => html! {
                p { "No entity set called " code { (name) } " may be asked for." }
                (self.nearest(name).await)
            },
        };
        self.not_found(&sentence)
    }

    /// Links to sets of similar names.
    async fn nearest(&self, name: &str) -> Markup {
        let gateway = &self.shared.gateway;
        let site = self.choice.site(&gateway.sites(), gateway.default_site());
        let Ok(site) = site else { return html! {} };
        let offered = self.shared.inquiries.sets(gateway, &site).await;
        let near = match &offered {
            Inquired::Known(offered) => offered.nearest(name),
            Inquired::Underway | Inquired::InVain => Vec::new(),
        };
        html! {
            @if !near.is_empty() {
                p { "Did you mean:" }
                ul {
                    @for set in near {
                        li { a href=(self.address.link(&format!("/connect?{}", choice(&site, set)))) { (set) } }
                    }
                }
            }
        }
    }

    fn not_found(&self, what: &Markup) -> Response {
        let content = html! {
            section class="connect" {
                h1 { "Not found" }
                (what)
                p { a href=(self.address.link("/connect")) { "All programs" } ", " a href=(self.address.link("/explore")) { "all sets" } }
            }
        };
        self.respond(StatusCode::NOT_FOUND, "Not found", content)
    }

    fn respond(&self, status: StatusCode, title: &str, content: Markup) -> Response {
        let page = Page {
            title,
            part: Part::Connect,
            refresh: None,
            content,
        };
        page.respond(status, &self.address)
    }
}

fn first(offered: &OfferedSets) -> Option<OfferedSet> {
    let name = *offered.names().first()?;
    offered.set(name)
}

/// The set of the examples, unless another one is picked.
const FIRST_SET: &str = "Sessions";

/// Those that Citrix Cloud has as well: one of them stands in for it when it is hidden and no other is known.
const OTHER_SETS: [&str; 5] = [
    "Machines",
    "Users",
    "DesktopGroups",
    "Applications",
    "Connections",
];
