//! `Set(key)`, what its navigation properties lead to, and `Set/$count`: upstream refuses them, and they work.

use serde_json::Value;

use crate::world::{Answer, HOST, World, small};

/// A world, and a row of a set in it.
async fn world_with(set: &str) -> (World, Value) {
    let world = World::new(small(), "");
    let row = &world.rows_of(&format!("/{set}?$top=1")).await[0];
    let row = serde_json::from_str(row).unwrap();
    (world, row)
}

/// What the service would say if it knew keys.
async fn truth(world: &World, below: &str) -> Value {
    let body = world.truth_at(&format!("/monitorodata{below}")).await;
    let body = str::from_utf8(&body).unwrap();
    let body = body.replace("http://citrix.test", &format!("http://{HOST}"));
    serde_json::from_str(&body).unwrap()
}

/// The text of an entity without its context.
fn bare(entity: &Answer) -> String {
    let text = entity.text();
    let (_, rest) = text.split_once("/$entity\",").unwrap();
    format!("{{{rest}")
}

#[tokio::test(start_paused = true)]
async fn a_key_finds_its_row_however_it_is_written() {
    let (world, session) = world_with("Sessions").await;
    let key = session["SessionKey"].as_str().unwrap();
    for path in [
        "/Users(5)",
        "/Users(Id=5)",
        "/users(id=5)",
        "/Users( 5 )",
        "/Users(5)?$select=UserName",
        "/Users(5)?$expand=Sessions",
        "/Users(5)?$select=Id&$expand=Sessions($select=SessionKey;$top=1)",
    ] {
        let plain = path.replace("Id=5", "5").replace("id=5", "5");
        let plain = plain.replace("users", "Users").replace(' ', "");
        let answer = bare(&world.ask(path).await);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let mut truth = truth(&world, &plain).await;
        truth.as_object_mut().unwrap().remove("@odata.context");
        assert_eq!(answer, truth, "{path}");
    }
    let row = &world.rows_of("/Users?$filter=Id eq 5").await[0];
    assert_eq!(&bare(&world.ask("/Users(5)").await), row);
    for path in [
        format!("/Sessions({key})"),
        format!("/Sessions(SessionKey={key})"),
        format!("/Sessions(guid'{key}')"),
        format!("/Sessions('{key}')"),
        format!("/Sessions(%27{}%27)", key.to_uppercase()),
    ] {
        let found = world.ask(&path).await.json();
        assert_eq!(found["SessionKey"], key, "{path}");
        let context = format!("http://{HOST}/monitorodata/$metadata#Sessions/$entity");
        assert_eq!(found["@odata.context"], context);
    }
}

#[tokio::test(start_paused = true)]
async fn keys_of_several_parts_find_their_row() {
    let (world, row) = world_with("CloudConnectorServiceStatus").await;
    let part = |name: &str| format!("{name}='{}'", row[name].as_str().unwrap());
    let parts = ["ConnectorName", "ServiceName", "ZoneName"].map(part);
    let [connector, service, zone] = &parts;
    for key in [
        format!("{connector},{service},{zone}"),
        format!("{zone}, {connector} ,{service}"),
    ] {
        let path = format!("/CloudConnectorServiceStatus({key})");
        let found = world.ask(&path).await.json();
        assert_eq!(found["ServiceName"], row["ServiceName"], "{path}");
        assert_eq!(found["CreatedDate"], row["CreatedDate"], "{path}");
    }
    let incomplete = format!("/CloudConnectorServiceStatus({connector},{zone})");
    assert_eq!(world.ask(&incomplete).await.error(), "400 InvalidRequest");

    let (world, row) = world_with("ProbeRuleApplications").await;
    let (rule, application) = (&row["RuleId"], row["ApplicationId"].as_str().unwrap());
    let path = format!("/ProbeRuleApplications(RuleId={rule},ApplicationId={application})");
    assert_eq!(world.ask(&path).await.json()["RuleId"], *rule);
}

#[tokio::test(start_paused = true)]
async fn navigation_leads_to_one_to_many_or_to_nothing() {
    let (world, session) = world_with("Sessions?$filter=FailureId eq null&").await;
    let (key, user) = (session["SessionKey"].as_str().unwrap(), &session["UserId"]);
    let to_user = world.ask(&format!("/Sessions({key})/User")).await;
    let row = &world.rows_of(&format!("/Users?$filter=Id eq {user}")).await[0];
    assert_eq!(&bare(&to_user), row);
    let context = format!("http://{HOST}/monitorodata/$metadata#Users");
    let found = to_user.json()["@odata.context"].clone();
    assert!(found.as_str().unwrap().starts_with(&context), "{found}");

    let nothing = world.ask(&format!("/Sessions({key})/Failure")).await;
    assert_eq!(nothing.status, 204);
    assert!(nothing.bytes().is_empty());

    let to_sessions = format!("/Users({user})/Sessions");
    let filter = format!("/Sessions?$filter=UserId eq {user}");
    let sessions = world.rows_of(&filter).await;
    assert!(!sessions.is_empty());
    assert_eq!(world.ask(&to_sessions).await.rows(), sessions);
    let count = world.ask(&format!("{to_sessions}/$count")).await;
    assert_eq!(count.text(), sessions.len().to_string());
    let none = world
        .ask(&format!("{to_sessions}?$filter=LogOnDuration lt 0"))
        .await;
    assert_eq!(none.rows(), [""; 0]);
    let selected = world
        .ask(&format!("{to_sessions}?$select=SessionKey&$top=1"))
        .await;
    let first = &world
        .rows_of(&format!("{filter}&$select=SessionKey&$top=1"))
        .await[0];
    assert_eq!(&selected.rows()[0], first);
}

#[tokio::test(start_paused = true)]
async fn many_related_rows_come_whole_though_upstream_cuts_them() {
    let knobs = citrix_odata_proxy::demo::Knobs {
        expand_page_size: Some(3),
        ..small()
    };
    let world = World::new(knobs, "");
    let group = &world.rows_of("/DesktopGroups?$top=1&$select=Id").await[0];
    let group: Value = serde_json::from_str(group).unwrap();
    let id = group["Id"].as_str().unwrap();
    let machines = world
        .rows_of(&format!("/Machines?$filter=DesktopGroupId eq {id}"))
        .await;
    assert!(machines.len() > 20);
    let path = format!("/DesktopGroups({id})/Machines");
    assert_eq!(world.ask(&path).await.rows(), machines);
    let count = world.ask(&format!("{path}/$count")).await;
    assert_eq!(count.text(), machines.len().to_string());
}

#[tokio::test(start_paused = true)]
async fn keys_that_find_nothing_or_make_no_sense_are_refused() {
    let world = World::new(small(), "");
    for (path, error) in [
        ("/Users(999999999)", "404 NotFound"),
        ("/Users(999999999)/Sessions", "404 NotFound"),
        ("/Users(999999999)/Sessions/$count", "404 NotFound"),
        (
            "/Sessions(00000000-0000-0000-0000-000000000000)",
            "404 NotFound",
        ),
        ("/Quuxes(5)", "404 NotFound"),
        ("/Users('five')", "400 InvalidRequest"),
        ("/Users(5,6)", "400 InvalidRequest"),
        ("/Users(Name=5)", "400 InvalidRequest"),
        ("/Users(Id=5,Id=6)", "400 InvalidRequest"),
        ("/Users(5 or 1 eq 1)", "400 InvalidRequest"),
        ("/Sessions(5)", "400 InvalidRequest"),
        ("/Sessions('x'' or true or ''')", "400 InvalidRequest"),
        (
            "/CloudConnectorServiceStatus('FRA-CC-01')",
            "400 InvalidRequest",
        ),
    ] {
        assert_eq!(world.ask(path).await.error(), error, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn counts_are_numbers_as_text() {
    let world = World::new(small(), "");
    for (path, count) in [
        ("/Sessions/$count", "110"),
        ("/Sessions/%24count", "110"),
        ("/sessions/$count", "110"),
        ("/Sessions/$count?$top=3&$skip=1&$orderby=StartDate", "110"),
        ("/Sessions/$count?$filter=LogOnDuration lt 0", "0"),
        ("/ApplicationErrors/$count", "0"),
    ] {
        let answer = world.ask(path).await;
        assert_eq!(answer.text(), count, "{path}");
        assert!(answer.header("content-type").starts_with("text/plain"));
    }
    let filter = "$filter=contains(FullName,'ü')";
    let rows = world.rows_of(&format!("/Users?{filter}")).await;
    let answer = world.ask(&format!("/Users/$count?{filter}")).await;
    assert_eq!(answer.text(), rows.len().to_string());
    assert_eq!(
        world
            .ask("/Sessions/$count?$filter=Nonsense eq 1")
            .await
            .status,
        400
    );
    let asked = world.asked_upstream();
    assert!(
        asked.iter().all(|path| !path.contains("/$count")),
        "{asked:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn names_that_are_not_there_name_close_ones() {
    let world = World::new(small(), "");
    let answer = world.ask("/Sesions").await;
    assert_eq!(answer.error(), "404 NotFound");
    assert!(answer.text().contains("`Sessions`"), "{}", answer.text());
    let answer = world.get("/monitordata/Sessions").await;
    assert_eq!(answer.error(), "404 NotFound");
}
