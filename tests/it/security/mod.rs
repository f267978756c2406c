//! Nobody in who should not be: each claim of `docs/security.md`, against the program as a process.

mod browsers;
mod keys;
mod limits;
mod paths;
mod start;
mod tls;

use crate::process::{Program, Running};
use crate::upstream::{Act, Upstream};

/// A new key, and its section of the settings file, as `key` prints them.
pub(crate) async fn make_key(arguments: &[&str]) -> (String, String) {
    let made = Program::new(&["key"]).arguments(arguments).run().await;
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let (key, rest) = made.stdout.split_once('\n').unwrap();
    let (_, section) = rest.split_once("[[server.keys]]").unwrap();
    assert!(key.starts_with("cop_") && key.len() > 30, "{key}");
    assert!(!rest.contains(key), "{rest}");
    (key.to_owned(), format!("[[server.keys]]{section}"))
}

/// An upstream that has two rows of everything.
async fn rows() -> Upstream {
    Upstream::start(|request, _| {
        if request.line.contains("/$metadata") {
            return Act::reply(
                "200 OK",
                "Content-Type: application/xml\r\n",
                MODEL.as_bytes(),
            );
        }
        let set = request.line.split(['/', '?', ' ', '(']).nth(3);
        let context = format!(
            "\"@odata.context\":\"http://x/monitorodata/$metadata#{}\"",
            set.unwrap_or_default()
        );
        if request.line.contains("filter=Id") {
            return Act::json(&format!("{{{context},\"value\":[{{\"Id\":1}}]}}"));
        }
        Act::json(&format!(
            "{{{context},\"value\":[{{\"Id\":1}},{{\"Id\":2}}]}}"
        ))
    })
    .await
}

/// A proxy in front of `upstream` with these settings.
async fn guarded(upstream: &Upstream, settings: &str) -> Running {
    Program::serve(&upstream.endpoint())
        .settings(settings)
        .start()
        .await
}

const MODEL: &str = r#"<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="M" xmlns="http://docs.oasis-open.org/odata/ns/edm">
<EntityType Name="Machine"><Key><PropertyRef Name="Id"/></Key><Property Name="Id" Type="Edm.Int32" Nullable="false"/>
<NavigationProperty Name="Sessions" Type="Collection(M.Machine)"/></EntityType>
<EntityContainer Name="C"><EntitySet Name="Machines" EntityType="M.Machine"/></EntityContainer>
</Schema></edmx:DataServices></edmx:Edmx>"#;
