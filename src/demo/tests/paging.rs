//! Pages, links, counts, and how much the service says about its data.

use http::StatusCode;

use super::{Site, small};
use crate::demo::Knobs;

#[tokio::test(start_paused = true)]
async fn pages_together_are_the_set() {
    let paged = Site::small().await;
    let whole = Site::new(Knobs {
        page_size: 100_000,
        ..small()
    })
    .await;
    for target in [
        "/Users",
        "/Sessions",
        "/Sessions?$filter=ConnectionState eq 3&$orderby=LogOnDuration desc,StartDate",
        "/Connections?$filter=startswith(ClientPlatform,'Win')&$select=Id,ClientName&$count=true",
        "/Machines?$expand=Sessions($select=SessionKey;$top=2;$orderby=StartDate desc),DesktopGroup&$top=250",
    ] {
        let target = target.replace(' ', "%20");
        let rows = paged.walk(&target).await;
        assert!(rows.len() > 200, "{target}: {}", rows.len());
        assert_eq!(rows, whole.rows(&target).await, "{target}");
    }
}

#[tokio::test(start_paused = true)]
async fn next_links_repeat_the_question() {
    let site = Site::small().await;
    let page = site
        .get("/Sessions?$filter=IsAnonymous+eq+false&$select=SessionKey,&$top=250&$skip=50&$count=true&null=null")
        .await
        .json();
    assert_eq!(page["@odata.count"], 2000);
    assert_eq!(page["value"].as_array().unwrap().len(), 100);
    assert_eq!(
        page["@odata.context"],
        "http://citrix.test/monitorodata/$metadata#Sessions(SessionKey)"
    );
    assert_eq!(
        page["@odata.nextLink"],
        "http://citrix.test/monitorodata/Sessions?$filter=IsAnonymous%20eq%20false&$select=SessionKey%2C&$top=150\
         &$count=true&null=null&$skip=150"
    );
}

#[tokio::test(start_paused = true)]
async fn counts_without_rows() {
    let site = Site::small().await;
    let page = site.get("/users?$count=true&$top=0").await.json();
    assert_eq!(page["@odata.count"], 2500);
    assert_eq!(page["value"], serde_json::json!([]));
    assert!(page.get("@odata.nextLink").is_none());
}

#[tokio::test(start_paused = true)]
async fn says_more_or_less_about_its_data() {
    let site = Site::small().await;
    let none = site
        .get_with(
            "/Catalogs?$top=1",
            &[("accept", "application/json;odata.metadata=none")],
        )
        .await;
    assert!(none.json().get("@odata.context").is_none());
    let full = site
        .get_with(
            "/Catalogs?$top=1",
            &[("accept", "application/json; odata.metadata=full")],
        )
        .await;
    assert_eq!(
        full.header("content-type"),
        "application/json; odata.metadata=full"
    );
    let row = &full.json()["value"][0];
    let address = format!(
        "http://citrix.test/monitorodata/Catalogs({})",
        row["Id"].as_str().unwrap()
    );
    assert_eq!(row["@odata.id"], address);
    assert_eq!(row["@odata.type"], "#Citrix.Monitor.Model.Catalog");
    assert_eq!(
        row["Machines@odata.navigationLink"],
        format!("{address}/Machines")
    );
    assert_eq!(row["CreatedDate@odata.type"], "#DateTimeOffset");
}

#[tokio::test(start_paused = true)]
async fn addresses_links_as_the_client_came() {
    let site = Site::small().await;
    let page = site
        .get_with("/Users", &[("x-forwarded-proto", "https")])
        .await
        .json();
    assert_eq!(
        page["@odata.nextLink"],
        "https://citrix.test/monitorodata/Users?$skip=100"
    );
}

#[tokio::test(start_paused = true)]
async fn cuts_expanded_rows_with_links_to_the_rest() {
    let site = Site::new(Knobs {
        expand_page_size: Some(2),
        ..small()
    })
    .await;
    let whole = Site::small().await;
    let target = "/DesktopGroups?$top=1&$expand=Machines($select=Name)";
    let cut = &site.rows(target).await[0];
    assert_eq!(cut["Machines"].as_array().unwrap().len(), 2);
    let link = cut["Machines@odata.nextLink"].as_str().unwrap();
    assert!(link.ends_with("/Machines?$select=Name&$skip=2"), "{link}");
    let mut machines = cut["Machines"].as_array().unwrap().clone();
    let rest = link
        .strip_prefix("http://citrix.test/monitorodata")
        .unwrap();
    let first = site.get(rest).await.json();
    machines.extend(first["value"].as_array().unwrap().iter().cloned());
    assert_eq!(machines.len(), 4);
    let all = &whole.rows(target).await[0]["Machines"];
    assert_eq!(machines, all.as_array().unwrap()[..4]);
}

#[tokio::test(start_paused = true)]
async fn refuses_what_the_cloud_refuses() {
    let site = Site::small().await;
    for target in [
        "/Nothing",
        "/Sessions/$count",
        "/Users(1)",
        "/Users(1)/Sessions",
        "/Sessions/Machine/Name",
    ] {
        let answer = site.get(target).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{target}");
        assert!(
            answer.json()["type"]
                .as_str()
                .unwrap()
                .ends_with("/notFound")
        );
    }
    let keyed = Site::new(Knobs {
        keyed: true,
        ..small()
    })
    .await;
    assert_eq!(keyed.get("/Users(1)").await.json()["Id"], 1);
    assert_eq!(keyed.get("/Sessions/$count").await.text(), "2000");
    let answer = keyed.get("/Users(1)/Sessions").await.json();
    let filtered = keyed.rows("/Sessions?$filter=UserId%20eq%201").await;
    assert_eq!(answer["value"].as_array().unwrap(), &filtered);
}

#[tokio::test(start_paused = true)]
async fn has_a_service_document_and_metadata() {
    let site = Site::small().await;
    assert_eq!(
        site.get("").await.json()["value"].as_array().unwrap().len(),
        79
    );
    let metadata = site.get("/$metadata").await;
    assert_eq!(metadata.header("content-type"), "application/xml");
    assert!(
        metadata
            .text()
            .contains("<ReferentialConstraint Property=\"MachineId\" ReferencedProperty=\"Id\" />")
    );
}
