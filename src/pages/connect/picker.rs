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
    /// The sets.
    pub sets: Choices,
}

/// The sets that there are to pick.
#[derive(Debug)]
pub(super) enum Choices {
    /// Their names, in order.
    Known(Vec<String>),
    /// Citrix Cloud is being asked.
    Awaited,
    /// Citrix Cloud could not be asked.
    Unknown,
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
                    @if let Choices::Known(sets) = &self.sets {
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
                    @match self.sets {
                        Choices::Known(_) => {
                            "All texts below are written for this choice. "
                            a href=(address.link("/explore")) { "Which sets are there?" }
                        },
                        Choices::Awaited => {
                            "Citrix Cloud has not said yet which sets there are, so names are taken as typed. It is being asked: "
                            a href=(address.link(&format!("{path}?{}", target.choice()))) { "load the page again" }
                            " in a moment for the list, or " a href=(address.link("/")) { "see the status" } "."
                        },
                        Choices::Unknown => {
                            "Citrix Cloud has not said yet which sets there are, so names are taken as typed. "
                            a href=(address.link("/")) { "See the status." }
                        },
                    }
                }
            }
        }
    }
}
