//! Reading and trimming `$metadata`.

use proptest::prelude::*;

use super::*;

/// Pairs of elements that stay and elements that go: what stands in `[-…-]` is on the deny list.
const MARKED: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<e:Edmx Version="4.0" xmlns:e="http://docs.oasis-open.org/odata/ns/edmx">
  <e:DataServices>
<Schema Namespace="Big.Model" Alias="M" xmlns="http://docs.oasis-open.org/odata/ns/edm">
  <EntityType Name="Thing" Abstract="true">
    <Key><PropertyRef Name="Id" /></Key>
    <Property Name="Id" Type="Edm.Guid" Nullable="false" />
  </EntityType>
  <EntityType Name='Machine' BaseType="M.Thing">
    <Property Name="Address" Type="M.Address"/><!-- > -->
    <Property Name="Tags" Type="Collection(Edm.String)"/>
    <NavigationProperty Name="Sessions" Type="Collection(Big.Model.Session)" Partner="Machine"/>
    [-<NavigationProperty Name="Agent" Type="M.Agent"><ReferentialConstraint Property="Id" ReferencedProperty="Id"/></NavigationProperty>-]
  </EntityType>
  <EntityType Name="Session">
    <Key><PropertyRef Name="MachineId"/><PropertyRef Name="At"/></Key>
    <Property Name="MachineId" Type="Edm.Guid"/>
    <Property Name="At" Type="Edm.DateTimeOffset"/>
    <NavigationProperty Name="Machine" Type="M.Machine"/>
  </EntityType>
  [-<EntityType Name="Agent" BaseType="M.Thing"><Property Name="PrivateKey" Type="Edm.String"/>
    <NavigationProperty Name="Machine" Type="M.Machine"/></EntityType>-]
  <EntityType Name="Shared" BaseType="M.Thing"/>
  <ComplexType Name="Address"><Property Name="Street" Type="Edm.String"/></ComplexType>
  [-<Function Name="Agents"><ReturnType Type="Collection(M.Agent)"/></Function>-]
  [-<Annotations Target="Big.Model.Agent/PrivateKey"><Annotation Term="X.Y" String="z"/></Annotations>-]
  [-<Annotations Target="M.Machine/Agent"><Annotation Term="X.Y" String="z"/></Annotations>-]
  [-<Annotations Target="Svc.Box/DirectorAgent"><Annotation Term="X.Y" String="z"/></Annotations>-]
  <Annotations Target="Svc.Box/Machines">
    <Annotation Term="X.Y" String="z"/>
    [-<Annotation Term="X.Paths"><Collection><NavigationPropertyPath>Agent</NavigationPropertyPath></Collection></Annotation>-]
  </Annotations>
</Schema>
<Schema Namespace="Svc" xmlns="http://docs.oasis-open.org/odata/ns/edm">
  <EntityContainer Name="Box">
    <EntitySet Name="Machines" EntityType="M.Machine">
      <NavigationPropertyBinding Path="Sessions" Target="Sessions"/>
      [-<NavigationPropertyBinding Path="Agent" Target="DirectorAgent"/>-]
    </EntitySet>
    <EntitySet Name="Sessions" EntityType="Big.Model.Session"/>
    [-<EntitySet Name="DirectorAgent" EntityType="M.Agent"><NavigationPropertyBinding Path="Machine" Target="Machines"/></EntitySet>-]
    <EntitySet Name="Shared" EntityType="M.Shared"/>
    [-<EntitySet Name="SecretShared" EntityType="M.Shared"/>-]
    [-<FunctionImport Name="All" Function="M.Agents" EntitySet="DirectorAgent"/>-]
    [-<Singleton Name="Me" Type="M.Agent"/>-]
  </EntityContainer>
</Schema>
  </e:DataServices>
</e:Edmx>"#;

fn whole() -> String {
    MARKED.replace("[-", "").replace("-]", "")
}

fn deny() -> DenyList {
    DenyList::new(&["directoragent", "Secret*"]).unwrap()
}

#[test]
fn reads_sets_types_and_what_they_inherit() {
    let schema = parse(whole().as_bytes()).unwrap();
    let (set, machine) = schema.set("machines").unwrap();
    assert_eq!(set, "Machines");
    assert_eq!(schema.type_of_set("Machines"), Some("Big.Model.Machine"));
    assert_eq!(machine.base.as_deref(), Some("Big.Model.Thing"));
    assert_eq!(machine.key, ["Id"]);
    let properties: Vec<_> = machine.properties.iter().collect();
    assert_eq!(
        format!("{properties:?}"),
        r#"[("Address", "Big.Model.Address"), ("Id", "Edm.Guid"), ("Tags", "Collection(Edm.String)")]"#
    );
    let (_, sessions) = machine.navigation_named("sessions").unwrap();
    assert_eq!(sessions.target, "Big.Model.Session");
    assert!(sessions.collection);
    let (_, session) = schema.set("Sessions").unwrap();
    assert_eq!(session.key, ["MachineId", "At"]);
    assert!(!session.navigation["Machine"].collection);
    let address = &schema.types["Big.Model.Address"];
    assert!(address.key.is_empty() && address.properties.contains_key("Street"));
}

#[test]
fn cuts_what_is_denied_and_nothing_else() {
    let mut expected = String::new();
    for piece in MARKED.split("[-") {
        expected.push_str(piece.split_once("-]").map_or(piece, |(_, kept)| kept));
    }
    let hidden = hide(whole().as_bytes(), &deny()).unwrap();
    assert_eq!(String::from_utf8(hidden.clone()).unwrap(), expected);
    for word in ["Agent", "Secret", "PrivateKey"] {
        assert!(!expected.contains(word), "{word}");
    }
    assert_eq!(hide(&hidden, &deny()).unwrap(), hidden);
    let marked = format!("\u{feff}{}", whole());
    let hidden = hide(marked.as_bytes(), &deny()).unwrap();
    assert_eq!(hidden, format!("\u{feff}{expected}").into_bytes());
}

#[test]
fn leaves_all_bytes_when_nothing_is_denied() {
    let xml = whole();
    for globs in [&[] as &[&str], &["Nothing"]] {
        let deny = DenyList::new(globs).unwrap();
        assert_eq!(hide(xml.as_bytes(), &deny).unwrap(), xml.as_bytes());
    }
}

#[test]
fn the_base_of_a_shown_type_stays() {
    let xml = r#"<Schema Namespace="N"><EntityType Name="Secret"/><EntityType Name="Open" BaseType="N.Secret">
        <NavigationProperty Name="Up" Type="N.Secret"/></EntityType>
        <EntityContainer Name="C"><EntitySet Name="Secrets" EntityType="N.Secret"/>
        <EntitySet Name="Opens" EntityType="N.Open"/></EntityContainer></Schema>"#;
    let hidden = String::from_utf8(hide(xml.as_bytes(), &deny()).unwrap()).unwrap();
    assert!(hidden.contains(r#"<EntityType Name="Secret"/>"#));
    assert!(!hidden.contains("Up") && !hidden.contains("Secrets"));
}

#[test]
fn faults_are_named() {
    let check = |xml: &[u8], message: &str| {
        assert_eq!(parse(xml).unwrap_err().to_string(), message);
        assert_eq!(hide(xml, &deny()).unwrap_err().to_string(), message);
    };
    check(b"", "the document holds no CSDL schema");
    check(b"{\"error\":1}", "the document holds no CSDL schema");
    check(
        b"<html><body></body></html>",
        "the document holds no CSDL schema",
    );
    check(b"<Schema>\xff", "`$metadata` is not UTF-8 text");
    check(
        b"<Schema><EntityType>",
        "`$metadata` is cut off: `EntityType` is not closed",
    );
    check(
        b"<Schema></Schemas>",
        "`$metadata` is not well-formed XML at byte 8",
    );
    check(
        b"<Schema Namespace=\"&x;\"/>",
        "`$metadata` is not well-formed XML at byte 0",
    );
    check(
        b"<Schema></Schema>,",
        "`$metadata` is not well-formed XML: stray text at byte 17",
    );
}

#[test]
fn a_cut_document_is_an_error() {
    let xml = whole();
    for head in (0..xml.len()).filter_map(|at| xml.get(..at)) {
        assert!(parse(head.as_bytes()).is_err(), "{head}");
    }
}

proptest! {
    #[test]
    fn no_document_panics(xml in "\\PC*|(<[/]?(Schema|EntityType|EntitySet|Key)( (Name|Namespace|BaseType|Alias)=\"[a-c.]{0,3}\")?[/]?>){0,12}") {
        let _ = hide(xml.as_bytes(), &deny());
    }
}
