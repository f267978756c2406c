//! Grafana, with the Infinity plugin.

use maud::{Markup, html};

use crate::pages::connect::parts::{is_local, note, snippet, undated};
use crate::pages::connect::target::Target;
use crate::pages::connect::texts::grafana;

pub(super) fn steps(target: &Target) -> Markup {
    html! {
        h2 { "Steps" }
        ol class="steps" {
            li { "Install the plugin " b { "Infinity" } " (" code { "yesoreyeram-infinity-datasource" } ")." }
            li {
                p {
                    "Put this file into Grafana's folder " code { "provisioning/datasources" } " and start Grafana anew"
                    @if target.keys { ", with the access key in the variable " code { "CITRIX_ACCESS_KEY" } }
                    "; or enter the same in " b { "Connections → Add new connection → Infinity" } "."
                }
                (snippet("source", "citrix.yaml", &grafana::data_source(target)))
            }
            li {
                p { "A panel's query. In the editor choose " b { "JSON" } ", " b { "URL" } ", parser " b { "Backend" } ", and the same values; or put "
                    "it into " code { "targets" } " of the panel's JSON:" }
                (snippet("query", &format!("{} in the dashboard's time range", target.set.name), &grafana::query(target)))
            }
        }
        (note(&html! {
            p {
                "A time range that ends " i { "now" } " is a new question each time, and goes to Citrix Cloud each time. Let dashboards "
                "begin and end at whole days or hours, " code { "now-7d/d" } " to " code { "now/h" } ", and refresh rarely: within an hour the "
                "answer is then stored here."
            }
            p { "Infinity does not follow links to further pages. It has none to follow: answers come whole." }
            (undated(target))
            @if target.set.date.is_none() {
                p { (target.set.name) " has no indexed date, so this query has no time range. A table panel suits it." }
            }
            @if is_local(target) {
                p { "This address means the machine that Grafana runs on, and inside a container the container: the proxy has to be there." }
            }
        }))
    }
}
