//! Queries, checked against a walk over all rows.

use http::StatusCode;
use serde_json::Value as Json;

use super::Site;
use crate::demo::link::encode;

#[tokio::test(start_paused = true)]
async fn filters_keep_the_rows_that_fit() {
    let site = Site::small().await;
    let sessions = site
        .walk("/Sessions?$expand=Machine($expand=DesktopGroup),User,Connections")
        .await;
    for (filter, fits) in FILTERS {
        let found = site
            .walk(&format!(
                "/Sessions?$select=SessionKey&$filter={}",
                encode(filter)
            ))
            .await;
        let keys: Vec<&Json> = found.iter().map(|row| &row["SessionKey"]).collect();
        let expected: Vec<&Json> = sessions
            .iter()
            .filter(|row| fits(row))
            .map(|row| &row["SessionKey"])
            .collect();
        assert_eq!(keys, expected, "{filter}");
        assert!(
            !keys.is_empty() && keys.len() < sessions.len(),
            "{filter}: {}",
            keys.len()
        );
    }
}

type Fits = fn(&Json) -> bool;

/// Filters, and the same said in Rust.
const FILTERS: &[(&str, Fits)] = &[
    ("EndDate eq null", |row| row["EndDate"].is_null()),
    ("not (EndDate eq null) and SessionType eq 1", |row| {
        !row["EndDate"].is_null() && row["SessionType"] == 1
    }),
    ("LogOnDuration gt 20000 or LogOnDuration eq null", |row| {
        row["LogOnDuration"]
            .as_i64()
            .is_none_or(|number| number > 20_000)
    }),
    (
        "LogOnDuration ne 5 and not (LogOnDuration ge 10000)",
        |row| {
            row["LogOnDuration"]
                .as_i64()
                .is_none_or(|number| number < 10_000)
        },
    ),
    ("ConnectionState in (2,5)", |row| {
        row["ConnectionState"] == 2 || row["ConnectionState"] == 5
    }),
    (
        "StartDate ge 2026-02-01 and StartDate lt 2026-02-08T12:30:00.5Z",
        |row| {
            ("2026-02-01".."2026-02-08T12:30:00.5Z").contains(&row["StartDate"].as_str().unwrap())
        },
    ),
    (
        "StartDate gt 2026-02-01T00:00:00Z or UserId le 100",
        |row| {
            row["StartDate"].as_str().unwrap() > "2026-02-01T00:00:00Z"
                || row["UserId"].as_u64().unwrap() <= 100
        },
    ),
    ("Machine/DesktopGroup/Name eq 'ERP and Finance'", |row| {
        row["Machine"]["DesktopGroup"]["Name"] == "ERP and Finance"
    }),
    ("Machine eq null", |row| row["Machine"].is_null()),
    (
        "Machine/DesktopGroup/Name ne 'ERP and Finance' and UserId mod 2 eq 1",
        |row| {
            row["Machine"]["DesktopGroup"]["Name"] != "ERP and Finance"
                && row["UserId"].as_u64().unwrap() % 2 == 1
        },
    ),
    (
        "contains(User/FullName,'O''') and startswith(tolower(User/Upn),'s')",
        |row| {
            row["User"]["FullName"].as_str().unwrap().contains("O'")
                && row["User"]["Upn"].as_str().unwrap().starts_with('s')
        },
    ),
    (
        "Connections/any(c: c/IsReconnect eq true and c/DisconnectCode eq 1004)",
        |row| {
            let connections = row["Connections"].as_array().unwrap();
            connections
                .iter()
                .any(|row| row["IsReconnect"] == true && row["DisconnectCode"] == 1004)
        },
    ),
    (
        "Connections/any(c: c/ClientPlatform eq 'HTML5' and $it/SessionType eq 1)",
        |row| {
            row["SessionType"] == 1
                && row["Connections"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|row| row["ClientPlatform"] == "HTML5")
        },
    ),
    ("Connections/all(c: c/IsReconnect eq false)", |row| {
        row["Connections"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["IsReconnect"] == false)
    }),
    ("Connections/$count gt 1", |row| {
        row["Connections"].as_array().unwrap().len() > 1
    }),
    ("hour(StartDate) eq 8 and day(StartDate) le 15", |row| {
        let start = row["StartDate"].as_str().unwrap();
        start.get(11..13) == Some("08") && start.get(8..10).unwrap() <= "15"
    }),
    (
        "StartDate ge cast('2026-03-01T00:00:00Z',Edm.DateTimeOffset)",
        |row| row["StartDate"].as_str().unwrap() >= "2026-03-01",
    ),
    ("date(StartDate) eq 2026-03-03", |row| {
        row["StartDate"].as_str().unwrap().starts_with("2026-03-03")
    }),
    ("LogOnDuration add 1000 lt 2 mul 9000", |row| {
        row["LogOnDuration"]
            .as_i64()
            .is_some_and(|number| number < 17_000)
    }),
    (
        "length(User/UserName) le 10 and indexof(User/UserName,'.') ne 3",
        |row| {
            let name = row["User"]["UserName"].as_str().unwrap();
            name.len() <= 10 && name.find('.') != Some(3)
        },
    ),
    (
        "User/FullName eq 'Anna Müller' or endswith(User/FullName,'ß')",
        |row| {
            let name = row["User"]["FullName"].as_str().unwrap();
            name == "Anna Müller" || name.ends_with('ß')
        },
    ),
];

#[tokio::test(start_paused = true)]
async fn finds_a_key_in_any_case_of_its_name() {
    let site = Site::small().await;
    let row = site.rows("/Sessions?$skip=1234&$top=1").await.remove(0);
    let filter = format!("sessionkey eq {}", row["SessionKey"].as_str().unwrap());
    assert_eq!(
        site.rows(&format!("/Sessions?$filter={}", encode(&filter)))
            .await,
        std::slice::from_ref(&row)
    );
    let filter = format!(
        "Machine/Id eq {} and UserId eq {}",
        row["MachineId"].as_str().unwrap(),
        row["UserId"]
    );
    assert!(
        site.rows(&format!("/Sessions?$filter={}", encode(&filter)))
            .await
            .contains(&row)
    );
}

#[tokio::test(start_paused = true)]
async fn orders_by_paths_with_null_first() {
    let site = Site::small().await;
    let rows = site
        .walk("/Sessions?$orderby=EndDate,User/Upn%20desc&$expand=User&$top=300")
        .await;
    let keys: Vec<(Option<&str>, &str)> = rows
        .iter()
        .map(|row| {
            (
                row["EndDate"].as_str(),
                row["User"]["Upn"].as_str().unwrap(),
            )
        })
        .collect();
    let mut sorted = keys.clone();
    sorted.sort_by(|left, right| left.0.cmp(&right.0).then(right.1.cmp(left.1)));
    assert_eq!(keys, sorted);
    assert!(keys[0].0.is_none());
}

#[tokio::test(start_paused = true)]
async fn expands_with_options_of_their_own() {
    let site = Site::small().await;
    let target = "/Users?$filter=Id eq 7&$select=Id&$expand=Sessions($filter=SessionType eq 0;$orderby=StartDate desc;\
                  $top=2;$count=true;$select=StartDate,SessionType;$expand=Machine($select=Name;$expand=DesktopGroup($select=Name)))";
    let answer = site.get(&target.replace(' ', "%20")).await.json();
    assert_eq!(
        answer["@odata.context"],
        "http://citrix.test/monitorodata/$metadata#Users(Id,Sessions(StartDate,SessionType,Machine(Name,DesktopGroup(Name))))"
    );
    let user = &answer["value"][0];
    let sessions = user["Sessions"].as_array().unwrap();
    assert!(sessions.len() <= 2);
    assert!(user["Sessions@odata.count"].as_u64().unwrap() >= sessions.len() as u64);
    for session in sessions {
        assert_eq!(session["SessionType"], 0);
        assert!(session.get("SessionKey").is_none());
        assert!(
            session["Machine"].is_null() || session["Machine"]["DesktopGroup"]["Name"].is_string()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn groups_and_aggregates() {
    let site = Site::small().await;
    let sessions = site
        .walk("/Sessions?$expand=Machine($expand=DesktopGroup)")
        .await;
    let apply = "filter(EndDate ne null)/groupby((Machine/DesktopGroup/Name,SessionType),\
                 aggregate($count as Total,cast(LogOnDuration,Edm.Int64) with average as Logon,UserId with countdistinct as Users))";
    let groups = site
        .rows(&format!(
            "/Sessions?$apply={}&$orderby=Total%20desc",
            encode(apply)
        ))
        .await;
    let total: u64 = groups
        .iter()
        .map(|group| group["Total"].as_u64().unwrap())
        .sum();
    assert_eq!(
        total,
        sessions
            .iter()
            .filter(|row| !row["EndDate"].is_null())
            .count() as u64
    );
    let first = &groups[0];
    let same = sessions.iter().filter(|row| {
        !row["EndDate"].is_null()
            && row["SessionType"] == first["SessionType"]
            && row["Machine"]["DesktopGroup"]["Name"] == first["Machine"]["DesktopGroup"]["Name"]
    });
    assert_eq!(first["Total"].as_u64().unwrap(), same.count() as u64);
    assert!(first["Logon"].as_f64().unwrap() > 6000.0);
}

#[tokio::test(start_paused = true)]
async fn bad_queries_say_what_is_wrong() {
    let site = Site::small().await;
    for (query, expected) in [
        ("$filter=Nme eq 'x'", "'Nme'"),
        (
            "$filter=SessionKey eq '12345678-1234-1234-1234-123456789abc'",
            "Edm.Guid",
        ),
        ("$filter=ConnectionState eq 'Active'", "incompatible types"),
        ("$filter=StartDate ge", "Syntax error"),
        ("$filter=nonsense(UserId) eq 1", "'nonsense'"),
        ("$filter=UserId", "boolean"),
        ("$select=SessionKey,Colour", "'Colour'"),
        ("$expand=Wheels", "'Wheels'"),
        ("$orderby=Speed", "'Speed'"),
        ("$top=-1", "$top"),
        ("$search=x", "$search"),
        ("$apply=groupby((UserId))&$filter=UserId eq 1", "$apply"),
        (&format!("$filter={}", "(".repeat(5000)), "limit"),
        (&format!("$filter={}", "not ".repeat(5000)), "limit"),
    ] {
        let answer = site
            .get(&format!("/Sessions?{}", query.replace(' ', "%20")))
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        let message = answer.json()["error"]["message"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(message.contains(expected), "{query}: {message}");
    }
}
