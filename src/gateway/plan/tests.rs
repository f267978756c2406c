//! Questions in, plans out.

use super::*;
use crate::odata::csdl;

fn schema() -> Schema {
    let xml = r#"<Edmx xmlns="http://docs.oasis-open.org/odata/ns/edmx"><DataServices>
        <Schema Namespace="M" xmlns="http://docs.oasis-open.org/odata/ns/edm">
        <EntityType Name="Machine"><Key><PropertyRef Name="Id"/></Key><Property Name="Id" Type="Edm.Guid"/>
            <NavigationProperty Name="Sessions" Type="Collection(M.Session)"/></EntityType>
        <EntityType Name="Session"><Key><PropertyRef Name="SessionKey"/></Key>
            <Property Name="SessionKey" Type="Edm.Int64"/><Property Name="Name" Type="Edm.String"/>
            <NavigationProperty Name="Machine" Type="M.Machine"/><NavigationProperty Name="Cost" Type="M.Cost"/></EntityType>
        <EntityType Name="Cost"><Key><PropertyRef Name="Id"/></Key><Property Name="Id" Type="Edm.Int32"/></EntityType>
        <EntityContainer Name="C"><EntitySet Name="Machines" EntityType="M.Machine"/>
            <EntitySet Name="Sessions" EntityType="M.Session"/></EntityContainer>
        </Schema></DataServices></Edmx>"#;
    csdl::parse(xml.as_bytes()).unwrap()
}

fn planned(question: &str, page_size: Option<u32>) -> Result<Plan, AnswerError> {
    let (path, query) = question.split_once('?').unwrap_or((question, ""));
    let question = Question::parse(path, Some(query)).unwrap().into();
    plan(
        &question,
        page_size.and_then(NonZeroU32::new),
        Some(&schema()),
        7,
    )
}

/// What upstream is asked, and what becomes of its answer.
fn check(question: &str, page_size: Option<u32>, expected: &str) {
    let shown = match planned(question, page_size) {
        Ok(Plan::ServiceDocument) => "service document".to_owned(),
        Ok(Plan::Metadata) => "metadata".to_owned(),
        Ok(Plan::Collection { ask, top, page }) => {
            let top = top
                .map(|top| format!(" | at most {top}"))
                .unwrap_or_default();
            let next = page.map(|page| match page.next {
                Some(next) => format!(" | then {}", next.canonical()),
                None => " | the last page".to_owned(),
            });
            format!("{}{top}{}", ask.canonical(), next.unwrap_or_default())
        }
        Ok(Plan::Count { ask }) => format!("count {}", ask.canonical()),
        Ok(Plan::Entity { ask, .. }) => format!("one of {}", ask.canonical()),
        Ok(Plan::Related {
            ask,
            navigation,
            wanted,
            ..
        }) => {
            let wanted = match wanted {
                Wanted::One { context } => format!("one, {context}"),
                Wanted::Many { context } => format!("many, {context}"),
                Wanted::Count => "count".to_owned(),
            };
            format!("{navigation} ({wanted}) of {}", ask.canonical())
        }
        Err(error) => format!("error: {error}"),
    };
    assert_eq!(shown, expected, "{question}");
}

#[test]
fn collections_are_asked_as_they_are() {
    check("", None, "service document");
    check("$metadata", None, "metadata");
    check("Sessions", None, "Sessions");
    check(
        "Sessions?$top=2500&$skip=3",
        None,
        "Sessions?$skip=3&$top=2500 | at most 2500",
    );
    check("Sessions?$skiptoken=abc", None, "Sessions?$skiptoken=abc");
    check(
        "Sessions?$skiptoken=abc",
        Some(5),
        "Sessions?$skiptoken=abc",
    );
    check("Sessions/M.Session", None, "Sessions/M.Session");
    check("$batch", None, "error: `$batch` is not supported");
}

#[test]
fn pages_of_the_clients_size_are_questions_of_their_own() {
    check(
        "Sessions",
        Some(100),
        "Sessions?$top=100 | at most 100 | then Sessions?$skiptoken=page-100-100-7",
    );
    check(
        "Sessions?$skiptoken=page-100-100-7",
        None,
        "Sessions?$skip=100&$top=100 | at most 100 | then Sessions?$skiptoken=page-200-100-7",
    );
    check(
        "Sessions?$count=true&$skip=7&$top=150",
        Some(100),
        "Sessions?$count=true&$skip=7&$top=100 | at most 100 | then Sessions?$count=true&$skip=7&$skiptoken=page-100-100-7&$top=150",
    );
    check(
        "Sessions?$count=true&$skip=7&$skiptoken=page-100-100-7&$top=150",
        None,
        "Sessions?$skip=107&$top=50 | at most 50 | the last page",
    );
    check(
        "Sessions?$top=3",
        Some(3),
        "Sessions?$top=3 | at most 3 | the last page",
    );
}

#[test]
fn links_to_our_own_pages_repeat_the_format() {
    check(
        "Sessions?$format=application/json;odata.metadata=none",
        Some(100),
        "Sessions?$top=100 | at most 100 | then Sessions?$format=application/json;odata.metadata=none&$skiptoken=page-100-100-7",
    );
    check(
        "Sessions?$format=json&$skiptoken=page-100-100-7",
        None,
        "Sessions?$skip=100&$top=100 | at most 100 | then Sessions?$format=json&$skiptoken=page-200-100-7",
    );
    check("Sessions?$format=json", None, "Sessions");
    check(
        "Sessions?$format=json&$skiptoken=abc",
        Some(5),
        "Sessions?$skiptoken=abc",
    );
    check(
        "Sessions/M.Session?$format=json",
        None,
        "Sessions/M.Session",
    );
    // What is not JSON is upstream's to judge.
    check("Sessions?$format=atom", None, "Sessions?$format=atom");
    check(
        "Sessions?$format=atom",
        Some(100),
        "Sessions?$format=atom&$top=100 | at most 100 | then Sessions?$format=atom&$skiptoken=page-100-100-7",
    );
}

#[test]
fn counts_become_empty_pages() {
    check("Sessions/$count", None, "count Sessions?$count=true&$top=0");
    check(
        "Sessions/$count?$filter=Name eq 'a'&$orderby=Name&$top=5&$expand=Machine",
        None,
        "count Sessions?$count=true&$filter=Name%20eq%20'a'&$top=0",
    );
}

#[test]
fn keys_become_filters() {
    check(
        "Sessions(5)",
        None,
        "one of Sessions?$filter=SessionKey%20eq%205",
    );
    check(
        "sessions(SessionKey=5)?$select=Name",
        None,
        "one of Sessions?$filter=SessionKey%20eq%205&$select=Name",
    );
    check("Users(5)", None, "error: no such entity set");
    check(
        "Sessions(5)?$top=1",
        None,
        "error: `$top` does not go with a key",
    );
    check("Sessions?$top=x", Some(5), "error: `$top` is not a number");
    check(
        "Sessions?$skiptoken=page-18446744073709551615-5-7",
        None,
        "error: `$skip` is too large",
    );
    assert!(matches!(
        planned("Sessions(x)", None),
        Err(AnswerError::InvalidOption { .. })
    ));
}

#[test]
fn what_a_row_leads_to_becomes_an_expand() {
    check(
        "Sessions(5)/Machine",
        None,
        "Machine (one, #Machines/$entity) of Sessions?$expand=Machine&$filter=SessionKey%20eq%205&$select=SessionKey",
    );
    check(
        "Machines(6f9619ff-8b86-d011-b42d-00c04fc964ff)/sessions?$filter=Name eq 'a;b'&$select=Name&$top=2",
        None,
        "Sessions (many, #Sessions(Name)) of Machines?$expand=Sessions($filter=Name%20eq%20'a;b';$select=Name;$top=2)&$filter=Id%20eq%206f9619ff-8b86-d011-b42d-00c04fc964ff&$select=Id",
    );
    check(
        "Machines(6f9619ff-8b86-d011-b42d-00c04fc964ff)/Sessions/$count?$top=2",
        None,
        "Sessions (count) of Machines?$expand=Sessions($count=true;$top=0)&$filter=Id%20eq%206f9619ff-8b86-d011-b42d-00c04fc964ff&$select=Id",
    );
    check(
        "Sessions(5)/Cost",
        None,
        "Cost (one, #M.Cost) of Sessions?$expand=Cost&$filter=SessionKey%20eq%205&$select=SessionKey",
    );
    check("Sessions(5)/Name", None, "Sessions(5)/Name");
    for option in [
        "$top=1;$expand=*",
        "$select=Id),Machine($expand=*",
        "$filter=Name eq 'a",
        "$select=Id;$expand=*",
        "$skiptoken=1;$expand=*",
        "$filter=contains(Name,'a'",
    ] {
        let question = format!("Sessions(5)/Machine?{option}");
        assert!(
            matches!(
                planned(&question, None),
                Err(AnswerError::InvalidOption { .. })
            ),
            "{option}"
        );
    }
}

#[test]
fn only_collections_are_scans() {
    let scan = |question, page_size| planned(question, page_size).unwrap().is_scan();
    for question in ["Sessions", "Sessions?$top=5", "Sessions()"] {
        assert!(
            scan(question, None) && scan(question, Some(10)),
            "{question}"
        );
    }
    for question in [
        "",
        "$metadata",
        "Sessions/$count",
        "Sessions(5)",
        "Machines(8a2a6b4e-0000-0000-0000-000000000000)/Sessions",
        "Sessions/M.Special",
    ] {
        assert!(!scan(question, None), "{question}");
    }
}
