//! The first look: all is well or not, the address to paste, and a few figures.

use maud::{Markup, html};

use super::health::headline;
use super::words::{counted, duration, size};
use crate::admin::{Site, Status};
use crate::gateway::grouped;
use crate::pages::address::Address;
use crate::pages::connect::sign_in;
use crate::pages::shell::copyable;

/// The head of the page. `keys` as in the room's settings.
pub(super) fn head(status: &Status, address: &Address, keys: bool) -> Markup {
    let (health, words) = headline(status);
    let default = status.sites.iter().find(|site| site.default);
    html! {
        section id="home-head" {
            h1 { span class={ "lamp " (health.class()) } aria-hidden="true" {} (words) }
            @match default {
                Some(site) => (paste(site, address, keys)),
                None => p class="card" {
                    "Each site below has an address of its own. In Power BI or Excel choose Get data, OData feed, and paste it. "
                    (sign_in(keys, "Anonymous", "Basic")) " "
                    a href=(address.link("/connect")) { "All programs" }
                },
            }
            (figures(status))
        }
    }
}

fn paste(site: &Site, address: &Address, keys: bool) -> Markup {
    html! {
        div class="card hero" {
            h2 { "The address of your data" }
            (copyable("home-address", &address.absolute(&path(site))))
            ol class="steps" {
                li { "In Power BI or Excel: " b { "Get data" } ", then " b { "OData feed" } }
                li { "Paste the address" }
                li { (sign_in(keys, "Anonymous", "Basic")) }
            }
            p class="soft" { a href=(address.link("/connect")) { "Connection files and other programs" } }
        }
    }
}

/// The path of a site's service.
pub(super) fn path(site: &Site) -> String {
    if site.default {
        "/monitorodata".to_owned()
    } else {
        format!("/{}/monitorodata", site.name)
    }
}

fn figures(status: &Status) -> Markup {
    let cache = &status.cache;
    html! {
        dl class="figures" {
            div {
                dt { "In memory" }
                dd { (grouped(cache.entries)) span class="soft" { "answers, " (size(cache.bytes)) } }
            }
            div {
                dt { "On disk" }
                dd { (grouped(cache.disk_entries)) span class="soft" { "answers, " (size(cache.disk_bytes)) } }
            }
            div {
                dt { "Being made" }
                dd { (grouped(cache.fills)) span class="soft" { (running(status)) } }
            }
            div {
                dt { "Running for" }
                dd { (duration(status.uptime_seconds)) span class="soft" { "version " (status.version) } }
            }
        }
    }
}

fn running(status: &Status) -> String {
    match status.scans.len() {
        0 => "answers".to_owned(),
        scans => format!("answers, {}", counted(scans, "scan")),
    }
}
