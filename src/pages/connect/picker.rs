//! The form in which a visitor picks a site and a set. Works without a script.

use maud::{Markup, html};

use super::target::Target;
use crate::odata::name::SiteId;
use crate::pages::address::Address;

/// What there is to pick.
#[derive(Debug)]
pub(super) struct Picker {
    /// The sites, in order.
    pub sites: Vec<SiteId>,
    /// The names of the sets, in order; `None` when Citrix Cloud has not said.
    pub sets: Option<Vec<String>>,
}

impl Picker {
    /// The form, which leads to the page at `path` again.
    pub(super) fn form(&self, address: &Address, path: &str, target: &Target) -> Markup {
        html! {
            form class="pick card" method="get" action=(address.link(path)) {
                @if self.sites.len() > 1 {
                    label {
                        span { "Site" }
                        select name="site" {
                            @for site in &self.sites {
                                option value=(site) selected[*site == target.site] { (site) }
                            }
                        }
                    }
                }
                label {
                    span { "Entity set" }
                    @if let Some(sets) = &self.sets {
                        select name="set" {
                            @for set in sets {
                                option value=(set) selected[*set == target.set.name] { (set) }
                            }
                        }
                    } @else {
                        input name="set" value=(target.set.name) spellcheck="false" autocomplete="off";
                    }
                }
                button type="submit" { "Show" }
                p class="soft" {
                    @if self.sets.is_some() {
                        "All texts below are written for this choice. "
                        a href=(address.link("/explore")) { "Which sets are there?" }
                    } @else {
                        "Citrix Cloud has not said yet which sets there are, so names are taken as typed. "
                        a href=(address.link("/")) { "See the status." }
                    }
                }
            }
        }
    }
}
