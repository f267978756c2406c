//! The Power BI service, by way of the on-premises data gateway.

use maud::{Markup, html};

use crate::pages::connect::parts::{is_local, note, snippet};
use crate::pages::connect::target::Target;
use crate::pages::connect::texts::{powershell, warm};
use crate::pages::shell::copyable;

pub(super) fn steps(target: &Target) -> Markup {
    html! {
        p class="lead" {
            "The service in the cloud reaches this address through an on-premises data gateway."
            @if is_local(target) {
                " This address begins with the name that every machine has for itself: it then means the gateway's machine."
            }
        }
        h2 { "On the gateway's machine" }
        ol class="steps" {
            @if is_local(target) {
                li {
                    b { "Install the proxy there" } ", with the same port and the same settings as here; on each machine of a gateway "
                    "cluster. The report holds the address as text, so a port that changes breaks every refresh: keep the one in "
                    code { "server.listen" } "."
                }
            } @else {
                li { b { "Try the address there" } " first: names, certificates and company proxies may be others than on your machine." }
            }
            li {
                b { "Run it as a service" } ", or by a task at startup: it has to answer without anyone being logged on, under an account of its "
                "own that may read the secret. The gateway itself "
                "runs as " code { "NT SERVICE\\PBIEgwService" } " and sees no session of yours."
            }
            li {
                b { "Listen on both addresses" } " of the machine, " code { "127.0.0.1" } " and " code { "[::1]" }
                ", as the default does: Windows tries " code { "::1" } " first for " code { "localhost" }
                ", and a server that is on one of them only costs a second or two for each connection."
            }
            li {
                p { b { "Test it" } " on that machine, in PowerShell. One row has to come:" }
                (copyable("test", powershell::test(target).trim_end()))
                p { "Then " code { "citrix-odata-proxy check" } " under the account that runs the proxy: it sees what that account sees." }
            }
        }
        h2 { "In the Power BI service" }
        ol class="steps" {
            li {
                p { b { "Manage connections and gateways → New → On-premises" } ": the gateway's cluster, type " b { "OData" } ", and the address exactly as in the report:" }
                (copyable("root", &target.root))
            }
            li {
                @if target.keys {
                    "Authentication " b { "Basic" } ": any user name, the access key as the password."
                } @else {
                    "Authentication " b { "Anonymous" } "."
                }
                " Privacy level " b { "Organizational" } "; the same level for the sources that it is combined with, or Power BI looks at "
                "1000 rows of each table first, and may refuse with " code { "Formula.Firewall" } "."
            }
            li { "In the semantic model's settings, " b { "Gateway and cloud connections" } ": map the source to it." }
            li { b { "Refresh now" } " once, and look at the page " i { "Status" } " of the proxy meanwhile: it shows how far each table is." }
        }
        (note(&html! {
            p {
                "The connection test of the service asks for the bare address, without filters. The proxy answers that with the list of "
                "sets, at once. A source with filters in its address is not needed, and makes that test load a whole table."
            }
        }))
        h2 { "Scheduled refresh" }
        p {
            "Have the proxy ask in advance what the report will ask, so that the refresh finds it stored. The text in "
            code { "question" } " has to be what the report asks; the proxy's log shows it. Sections like this go into the settings file:"
        }
        (snippet("warm", "Half an hour before a refresh at six", &warm::section(target)))
        ul {
            li { "Spread the refreshes of several models: Citrix Cloud answers one query of a customer at a time, whoever asks." }
            li { "Answers stay fresh for " code { "cache.ttl" } ". Two models within that time share one fetch." }
            li { "With incremental refresh each period is a question of its own; what was loaded before is not asked again." }
        }
    }
}
