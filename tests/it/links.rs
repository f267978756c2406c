//! Next links as no service should write them, on real sockets: what is followed is asked of the configured host, and
//! what would change the rows is not followed.

use serde_json::{Value, json};

use crate::process::Program;
use crate::upstream::{Act, Sent, Upstream};
use crate::wire::{self, End, Reply};

const PATH: &str = "/monitorodata/Machines?$filter=Id+ge+0";

/// What a client gets of a walk whose first page has this link and whose second has none; and what upstream was asked.
async fn walk(link: impl Fn(&str) -> String + Send + Sync + 'static) -> (Reply, Vec<Sent>) {
    let upstream = Upstream::start(move |request, before| {
        let mut page = json!({"value": [{"Id": before}]});
        if before == 0 {
            page["@odata.nextLink"] = link(request.all("host")[0]).into();
        }
        Act::json(&page.to_string())
    })
    .await;
    let proxy = Program::serve(&upstream.endpoint()).start().await;
    let reply = wire::get(proxy.address, PATH).await;
    (reply, upstream.requests())
}

/// The service may name itself as it likes: by the host of another region, or by the one that it has behind a gateway.
/// A token sent there would be a token given away.
#[tokio::test]
async fn a_link_may_name_any_host_and_only_the_configured_one_is_asked() {
    let bystander = Upstream::bystander().await;
    let (elsewhere, port) = (bystander.address, bystander.address.port());
    for root in [
        "http://OWN".to_owned(),
        "HTTP://OWN".to_owned(),
        "https://OWN".to_owned(),
        "//OWN".to_owned(),
        format!("http://LocalHost:{port}"),
        format!("https://{elsewhere}"),
        "https://API-EU.Cloud.COM:8443".to_owned(),
    ] {
        let name = root.clone();
        let link = move |own: &str| {
            let root = root.replace("OWN", own);
            format!("{root}/MonitorOData/Machines?$filter=Id%20ge%200&$skip=1")
        };
        let (reply, requests) = walk(link).await;
        assert_eq!(reply.rows(), [json!({"Id": 0}), json!({"Id": 1})], "{name}");
        let [_, second] = &*requests else {
            panic!("{name}: {requests:?}");
        };
        assert!(
            second.line.contains("/monitorodata/Machines?"),
            "{second:?}"
        );
    }
    assert_eq!(bystander.connections(), 0);
}

/// The rest of another question's rows would look like the rest of this one's.
#[tokio::test]
async fn a_link_to_other_rows_is_not_followed() {
    for rest in [
        "Machines?$skip=1",
        "Machines?$filter=Id%20ge%201&$skip=1",
        "Machines?$filter=&$skip=1",
        "Machines?$filter=Id%20ge%200&$select=Id&$skip=1",
        "Machines?$filter=Id%20ge%200&$top=1&$skip=1",
        "Machines?$filter=Id%20ge%200&$skip=2",
        "Machines?$filter=Id%20ge%200&$skip=0",
        "Users?$filter=Id%20ge%200&$skip=1",
        "Machines/?$skip=1",
    ] {
        let link = move |host: &str| format!("http://{host}/monitorodata/{rest}");
        let (reply, requests) = walk(link).await;
        assert_visibly_incomplete(&reply, rest);
        assert_eq!(requests.len(), 1, "{rest}");
    }
}

/// Upstream filters after it has cut pages, perhaps: pages without rows are no end. But a walk through nothing but
/// empty pages would go on for good.
#[tokio::test]
async fn a_walk_passes_over_a_hundred_empty_pages_and_not_over_a_thousand_and_one() {
    for (empty, whole) in [(100, true), (1000, true), (1001, false)] {
        let upstream = Upstream::start(move |request, _| {
            // A row first, then none, and a row at the end.
            let next = |skip: usize| format!("Machines?$skip={skip}");
            let page = match skip(request) {
                0 => json!({"value": [{"Id": 0}], "@odata.nextLink": next(1)}),
                place if place <= empty => json!({"value": [], "@odata.nextLink": next(place + 1)}),
                _ => json!({"value": [{"Id": 1}]}),
            };
            Act::json(&page.to_string())
        })
        .await;
        let proxy = Program::serve(&upstream.endpoint()).start().await;
        let reply = wire::get(proxy.address, "/monitorodata/Machines").await;
        if whole {
            assert_eq!(reply.rows(), [json!({"Id": 0}), json!({"Id": 1})]);
        } else {
            assert_visibly_incomplete(&reply, "1001 empty pages");
        }
        let last = upstream.requests().iter().map(skip).max();
        assert_eq!(last, Some(empty + usize::from(whole)));
    }
}

/// How many rows a request passes over.
fn skip(request: &Sent) -> usize {
    let Some((_, rest)) = request.line.split_once("$skip=") else {
        return 0;
    };
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
    digits.unwrap().parse().unwrap()
}

/// Cut, or an error: not a body that a client would take for all there is.
fn assert_visibly_incomplete(reply: &Reply, name: &str) {
    let cut = reply.status() == 200
        && reply.end == End::Cut
        && serde_json::from_slice::<Value>(&reply.body).is_err();
    let error = || reply.status() == 502 && reply.error_code() == "UpstreamBadResponse";
    assert!(cut || error(), "{name}: {:?} {}", reply.head, reply.text());
}
