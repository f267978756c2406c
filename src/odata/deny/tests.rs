//! What the deny list refuses.

use proptest::prelude::*;

use crate::odata::csdl;

use super::*;

/// The configured default, in a small estate.
fn deny() -> DenyList {
    DenyList::new(&["DirectorAgent", "NotificationAction*", "NotificationEmail*"]).unwrap()
}

fn schema() -> Schema {
    let xml = r#"<Edmx><Schema Namespace="M">
        <EntityType Name="Machine"><Key><PropertyRef Name="Id"/></Key>
          <Property Name="Id" Type="Edm.Guid"/>
          <NavigationProperty Name="Sessions" Type="Collection(M.Session)"/></EntityType>
        <EntityType Name="Session"><Key><PropertyRef Name="Id"/></Key>
          <Property Name="Id" Type="Edm.Guid"/>
          <NavigationProperty Name="Machine" Type="M.Machine"/></EntityType>
        <EntityType Name="Rule"><Key><PropertyRef Name="Id"/></Key>
          <Property Name="Id" Type="Edm.Guid"/>
          <NavigationProperty Name="Mail" Type="M.MailAction"/>
          <NavigationProperty Name="Base" Type="M.AnyAction"/></EntityType>
        <EntityType Name="BigRule" BaseType="M.Rule"/>
        <EntityType Name="AnyAction" Abstract="true"/>
        <EntityType Name="MailAction" BaseType="M.AnyAction"><Key><PropertyRef Name="Id"/></Key>
          <Property Name="Id" Type="Edm.Guid"/></EntityType>
        <EntityType Name="UrgentMail" BaseType="M.MailAction"/>
        <EntityType Name="NotificationEmailServer"><Key><PropertyRef Name="Id"/></Key>
          <Property Name="Id" Type="Edm.Guid"/></EntityType>
        <EntityType Name="Agent"><Key><PropertyRef Name="Id"/></Key>
          <Property Name="Id" Type="Edm.Guid"/></EntityType>
        <EntityContainer Name="C">
          <EntitySet Name="Machines" EntityType="M.Machine"/>
          <EntitySet Name="Sessions" EntityType="M.Session"/>
          <EntitySet Name="Rules" EntityType="M.Rule"/>
          <EntitySet Name="NotificationActionEmails" EntityType="M.MailAction"/>
          <EntitySet Name="DirectorAgent" EntityType="M.Agent"/>
        </EntityContainer></Schema></Edmx>"#;
    csdl::parse(xml.as_bytes()).unwrap()
}

fn ask(url: &str) -> Question {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    Question::parse(path, Some(query)).unwrap()
}

#[test]
fn patterns_fold_case() {
    let deny = deny();
    for set in [
        "DirectorAgent",
        "directoragent",
        "NOTIFICATIONACTIONS",
        "Director\u{c5}gent",
    ] {
        assert_eq!(deny.denies(set), set.is_ascii(), "{set}");
    }
    assert!(DenyList::new(&["Secre*"]).unwrap().denies("\u{17f}ecrets"));
    assert!(!deny.denies("Machines"));
    assert!(DenyList::new(&[] as &[&str]).unwrap().is_empty());
    let error = DenyList::new(&["a[b"]).unwrap_err().to_string();
    assert_eq!(
        error,
        "`a[b` is not a pattern for entity sets; write a name, with `*` for any letters"
    );
}

#[test]
fn types_that_lead_to_secrets() {
    let secrets = deny().secrets(&schema());
    let names = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(
        names(&secrets.hidden),
        "M.Agent M.MailAction M.NotificationEmailServer M.UrgentMail"
    );
    assert_eq!(
        names(&secrets.guarded),
        "M.Agent M.AnyAction M.MailAction M.NotificationEmailServer M.UrgentMail"
    );
}

#[test]
fn ways_to_denied_rows_are_found() {
    let (deny, schema) = (deny(), schema());
    let check = |url: &str, found: &str| {
        let question = ask(url);
        assert_eq!(
            deny.crosses(&question, &schema).as_deref(),
            Some(found),
            "{url}"
        );
        let denied = question.set().is_some_and(|set| deny.denies(set.as_str()));
        assert!(denied || deny.needs_schema(&question), "{url}");
    };
    check("DirectorAgent", "DirectorAgent");
    check("directoragent/$count", "directoragent");
    check("DirectorAgent(5)/PrivateKey", "DirectorAgent");
    check("DirectorAgent/M.Agent", "DirectorAgent");
    check("$crossjoin(Machines,DirectorAgent)", "DirectorAgent");
    check("$all", "$all");
    check("$entity?$id=DirectorAgent(5)", "DirectorAgent");
    check("Rules(5)/Mail", "Mail");
    check("Rules(5)/mail/$value", "mail");
    check("Rules(5)/Base", "Base");
    check("Rules?$expand=Mail", "Mail");
    check("Rules?expand=MAIL($select=Id)", "MAIL");
    check("Rules?%20$expand=Mail", "Mail");
    check("Rules?$expand=*", "*");
    check("Rules?$expand=*($levels=2)", "*");
    check("Machines?$expand=Sessions($expand=*)", "*");
    check("Rules?$filter=Mail/Host eq 'x'", "Mail");
    check("Rules?$filter=Mail/any(m:m/Id eq 1)", "Mail");
    check("Rules?$orderby=Mail/Host", "Mail");
    check("Rules?$select=Id,Mail($select=Host)", "Mail");
    check("Rules?$apply=groupby((Mail/Host))", "Mail");
    check("Rules?$compute=Mail/Host as H", "Mail");
    check("Rules?$filter=@p&@p=$it/Mail/Host", "Mail");
    check(
        "Rules?$filter=Id eq $root/DirectorAgent(1)/Id",
        "DirectorAgent",
    );
    check("Rules?$filter=Base/M.MailAction/Id eq 1", "Base");
    check("Machines?$filter=M.MailAction/Host eq 1", "M.MailAction");
    check("Machines/M.Agent", "M.Agent");
    check(
        "Machines?$expand=Sessions($search=it's;$expand=Mail($search=it's))",
        "Mail",
    );
    check("Rules?$filter=A eq \"'\" or Mail/Host eq \"'\"", "Mail");
    check("Rules?$filter=A eq 'x or Mail/Host eq 1", "Mail");
    check("Rules?$filter=M%2561il/Host eq 1", "Mail");
}

#[test]
fn other_questions_pass() {
    let (deny, schema) = (deny(), schema());
    let check = |url: &str, needs_schema: bool| {
        let question = ask(url);
        assert_eq!(deny.crosses(&question, &schema), None, "{url}");
        assert_eq!(deny.needs_schema(&question), needs_schema, "{url}");
    };
    check("", false);
    check("$metadata", false);
    check("Machines", false);
    check("Machines(5)", false);
    check("Machines/$count?$filter=Name eq 'Mail/Host'", false);
    check("Machines?$filter=Name eq 'DirectorAgent'&$top=5", false);
    check("Machines?$select=*&$orderby=Id desc", false);
    check("Machines?$expand=*", true);
    check("Machines?$expand=Sessions($filter=Name eq 'Mail')", true);
    check("Sessions?$filter=Machine/Name eq 'DirectorAgent'", true);
    check("Machines(5)/Sessions", true);
    check("Machines?$apply=groupby((Id))", true);
    check("Machines?mailbox=1", false);
    let nothing = DenyList::new(&[] as &[&str]).unwrap();
    let question = ask("DirectorAgent?$expand=*");
    assert_eq!(nothing.crosses(&question, &schema), None);
    assert_eq!(nothing.crosses_by_name(&question), None);
    assert!(!nothing.needs_schema(&question));
}

#[test]
fn names_alone_are_searched_without_metadata() {
    let check = |url: &str, found: Option<&str>| {
        assert_eq!(deny().crosses_by_name(&ask(url)).as_deref(), found, "{url}");
    };
    check(
        "Rules?$expand=NotificationActions($top=1)",
        Some("NotificationActions"),
    );
    check(
        "Rules/M.NotificationActionEmail",
        Some("M.NotificationActionEmail"),
    );
    check("Rules?$expand=Sessions($expand=*)", Some("*"));
    check("$all", Some("$all"));
    check("Rules?$filter=Name eq 'DirectorAgent'", None);
    check("Rules?$expand=Machine", None);
}

proptest! {
    #[test]
    fn no_question_panics(path in "\\PC{0,20}", query in "\\PC{0,40}|[$a-z=&'\"%/.*() ]{0,40}") {
        if let Ok(question) = Question::parse(&path, Some(&query)) {
            deny().crosses(&question, &schema());
            deny().crosses_by_name(&question);
            deny().needs_schema(&question);
        }
    }
}
