//! Sets on the deny list are not there, whichever way one goes.

use crate::world::{World, small};

const BLOCKED: &str = "404 EntitySetBlocked";

#[tokio::test(start_paused = true)]
async fn blocked_sets_are_in_no_list() {
    let world = World::new(small(), "");
    let document = world.ask("").await.text();
    let metadata = world.ask("/$metadata").await.text();
    assert!(document.contains("\"Sessions\"") && metadata.contains("\"Sessions\""));
    let truth = world.truth_at("/monitorodata").await;
    let truth = str::from_utf8(&truth).unwrap();
    for set in [
        "DirectorAgent",
        "NotificationActionEmails",
        "NotificationEmailAddresses",
        "NotificationEmailServerConfigurations",
        "NotificationSnmpConfigurations",
    ] {
        assert!(truth.contains(set), "upstream has {set}");
        assert!(!document.contains(set), "{set}");
        let name = format!("\"{set}\"");
        assert!(!metadata.contains(&name), "{set}");
        for form in ["", "(1)", "/$count", "(1)/Action", "?$top=1", "('x')"] {
            let path = format!("/{set}{form}");
            assert_eq!(world.ask(&path).await.error(), BLOCKED, "{path}");
        }
    }
    let asked = world.asked_upstream();
    let reached = |path: &String| !path.ends_with("monitorodata") && !path.contains("$metadata");
    assert!(!asked.iter().any(reached), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn blocked_sets_are_not_reached_by_any_way() {
    let world = World::new(small(), "sets.deny = ['Users']");
    for path in [
        "/Users",
        "/users",
        "/USERS?$top=1",
        "/%55sers",
        "//Users/",
        "/Users(1)",
        "/Users/$count",
        "/Sessions?$expand=User",
        "/Sessions?$expand=User($select=Id)",
        "/Sessions?$EXPAND=user",
        "/Sessions?%24expand=User",
        "/Sessions?$expand=%55ser",
        "/Sessions?$expand=Machine,User",
        "/Sessions?$expand=*",
        "/Sessions?$expand=Machine($expand=Sessions($expand=User))",
        "/Machines?$expand=Sessions($expand=User)",
        "/Machines?$expand=Sessions($expand=*)",
        "/Machines?$expand=Sessions($filter=User/UserName eq 'x')",
        "/Machines?$expand=Sessions($orderby=User/UserName)",
        "/Sessions?$filter=User/UserName eq 'x'",
        "/Sessions?$filter=startswith(User/UserName,'a')",
        "/Sessions?$orderby=User/UserName",
        "/Sessions?$apply=groupby((User/UserName))",
        "/Sessions/$count?$filter=User/UserName eq 'x'",
        "/Sessions(df74f345-43ac-4222-8324-2cc7263f928e)/User",
        "/Sessions(df74f345-43ac-4222-8324-2cc7263f928e)?$expand=User",
        "/Sessions(df74f345-43ac-4222-8324-2cc7263f928e)/User/$count",
        "/Machines?$filter=Sessions/any(s:s/User/UserName eq 'x')",
    ] {
        assert_eq!(world.ask(path).await.error(), BLOCKED, "{path}");
    }
    let asked = world.asked_upstream();
    assert!(
        asked.iter().all(|path| path.contains("$metadata")),
        "{asked:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn words_in_quotes_and_neighbours_are_not_blocked() {
    let world = World::new(small(), "sets.deny = ['Users']");
    for path in [
        "/Sessions?$top=5",
        "/Sessions?$select=UserId&$top=5",
        "/Sessions?$filter=UserId gt 5",
        "/Sessions?$expand=Machine&$top=5",
        "/Machines?$filter=Name eq 'User/Users'",
        "/Machines?$expand=Sessions($select=UserId)&$top=5",
    ] {
        let answer = world.ask(path).await;
        assert_eq!(answer.rows(), world.rows_of(path).await, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_deny_list_hides_nothing() {
    let world = World::new(small(), "sets.deny = []");
    assert!(world.ask("").await.text().contains("DirectorAgent"));
    let path = "/Sessions?$expand=User&$top=5";
    assert_eq!(world.ask(path).await.rows(), world.rows_of(path).await);
}
