//! `$metadata` as a catalogue for people: sets with their columns in the order of the document, enumerations with their
//! members, and the sets that navigation leads to.
//!
//! [`Schema`](crate::odata::schema::Schema) has what the proxy decides by, and stays small; this is read when somebody looks.

use std::collections::BTreeMap;

use super::{CsdlError, Document, Element, item_type};
use crate::odata::schema::EntityType;

/// All entity sets of a service, in order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    sets: BTreeMap<String, SetEntry>,
}

/// An entity set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetEntry {
    /// Its name.
    pub name: String,
    /// The full name of its entity type.
    pub type_name: String,
    /// Names of the key's columns, in their order.
    pub key: Vec<String>,
    /// Its columns in the order of the document, those of base types first.
    pub columns: Vec<Column>,
    /// Where its rows lead, in order of the names.
    pub links: Vec<Link>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type: `Edm.Guid`, `Collection(Edm.String)`, or the full name of an enumeration or a complex type.
    pub kind: String,
    /// Whether it can be null.
    pub nullable: bool,
    /// Names and numbers, when the document says that it is an enumeration.
    pub members: Vec<(String, i64)>,
}

/// A navigation property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// The set that it leads to, when the document says so, or only one has the type.
    pub set: Option<String>,
    /// The full name of the type that it leads to.
    pub target: String,
    /// Whether it leads to many rows.
    pub collection: bool,
}

impl Catalogue {
    /// Reads `$metadata`.
    pub fn read(xml: &[u8]) -> Result<Self, CsdlError> {
        let document = Document::read(xml)?;
        let reading = Reading::of(&document);
        let elements = document.markup.elements.iter().enumerate();
        let sets = elements
            .filter(|(_, element)| element.name == "EntitySet")
            .filter_map(|(index, element)| reading.entry(index, element))
            .map(|entry| (entry.name.clone(), entry));
        Ok(Self {
            sets: sets.collect(),
        })
    }

    /// The sets in order of their names.
    pub fn sets(&self) -> impl Iterator<Item = &SetEntry> {
        self.sets.values()
    }

    /// The set of that name: the exact name first, then without regard to case.
    pub fn set(&self, name: &str) -> Option<&SetEntry> {
        let folded = || self.sets().find(|set| set.name.eq_ignore_ascii_case(name));
        self.sets.get(name).or_else(folded)
    }

    /// The sets whose names are nearest to `name`, best first, three at most.
    pub fn nearest(&self, name: &str) -> Vec<&str> {
        crate::odata::schema::nearest(self.sets.keys().map(String::as_str), name)
    }
}

impl SetEntry {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The navigation property of that name.
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.name == name)
    }
}

/// A document and what is looked up in it.
struct Reading<'a> {
    document: &'a Document<'a>,
    /// Full names of types → the names of their own columns, in order.
    order: BTreeMap<String, Vec<&'a str>>,
    /// Full names of enumerations → their members.
    enumerations: BTreeMap<String, Vec<(String, i64)>>,
}

impl<'a> Reading<'a> {
    fn of(document: &'a Document<'a>) -> Self {
        let mut reading = Self {
            document,
            order: BTreeMap::new(),
            enumerations: BTreeMap::new(),
        };
        for (index, element) in document.markup.elements.iter().enumerate() {
            let Some(name) = document.full_name(element) else {
                continue;
            };
            let children = document.markup.children(index);
            match element.name.as_str() {
                "EntityType" => {
                    let columns = children.filter(|child| child.name == "Property");
                    let names = columns.filter_map(|column| column.attribute("Name"));
                    reading.order.insert(name, names.collect());
                }
                "EnumType" => {
                    let members = children.filter(|child| child.name == "Member");
                    reading.enumerations.insert(name, numbered(members));
                }
                _ => {}
            }
        }
        reading
    }

    fn entry(&self, index: usize, element: &Element) -> Option<SetEntry> {
        let name = element.attribute("Name")?;
        let schema = &self.document.schema;
        let (_, entity) = schema.set(name)?;
        let type_name = schema.type_of_set(name)?;
        let mut lineage: Vec<&str> = schema.lineage(type_name).collect();
        lineage.reverse();
        let mut columns: Vec<Column> = Vec::new();
        for column in lineage
            .iter()
            .filter_map(|name| self.order.get(*name))
            .flatten()
        {
            if columns.iter().all(|known| known.name != *column) {
                columns.extend(self.column(entity, column));
            }
        }
        Some(SetEntry {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
            key: entity.key.clone(),
            columns,
            links: self.links(index, entity),
        })
    }

    fn column(&self, entity: &EntityType, name: &str) -> Option<Column> {
        let kind = entity.properties.get(name)?;
        let members = self.enumerations.get(item_type(kind));
        Some(Column {
            name: name.to_owned(),
            kind: kind.clone(),
            nullable: !entity.required.contains(name),
            members: members.cloned().unwrap_or_default(),
        })
    }

    /// The navigation of a type, seen from the set whose element is at `index`.
    fn links(&self, index: usize, entity: &EntityType) -> Vec<Link> {
        let bindings = self.document.markup.children(index);
        let bound: BTreeMap<&str, &str> = bindings
            .filter(|child| child.name == "NavigationPropertyBinding")
            .filter_map(|child| Some((child.attribute("Path")?, child.attribute("Target")?)))
            .collect();
        let link = |(name, navigation): (&String, &crate::odata::schema::Navigation)| {
            let path = bound.get(name.as_str());
            // `Set`, or `Namespace.Container/Set`.
            let named = path.and_then(|path| path.rsplit('/').next());
            let of_type = self.document.schema.sets_of_type(&navigation.target);
            let only = match of_type.as_slice() {
                [only] => Some(*only),
                _ => None,
            };
            Link {
                name: name.clone(),
                set: named.or(only).map(str::to_owned),
                target: navigation.target.clone(),
                collection: navigation.collection,
            }
        };
        entity.navigation.iter().map(link).collect()
    }
}

/// Members without a number count up from the last one, and from 0 (CSDL 4.0, section 10.2).
fn numbered<'a>(members: impl Iterator<Item = &'a Element>) -> Vec<(String, i64)> {
    let mut next: i64 = 0;
    let mut numbered = Vec::new();
    for member in members {
        let Some(name) = member.attribute("Name") else {
            continue;
        };
        let said = member.attribute("Value").and_then(|text| text.parse().ok());
        let number = said.unwrap_or(next);
        next = number.saturating_add(1);
        numbered.push((name.to_owned(), number));
    }
    numbered
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = r#"<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="N" Alias="A" xmlns="http://docs.oasis-open.org/odata/ns/edm">
<EnumType Name="State"><Member Name="Off"/><Member Name="On" Value="5"/><Member Name="Odd"/></EnumType>
<EntityType Name="Base"><Key><PropertyRef Name="Id"/></Key><Property Name="Id" Type="Edm.Int64"/></EntityType>
<EntityType Name="Session" BaseType="A.Base">
<Property Name="Zone" Type="Edm.String"/><Property Name="At" Type="Edm.DateTimeOffset" Nullable="false"/>
<Property Name="State" Type="A.State"/>
<NavigationProperty Name="User" Type="A.User"/><NavigationProperty Name="Machines" Type="Collection(A.Machine)"/>
</EntityType>
<EntityType Name="User"><Key><PropertyRef Name="Id"/></Key><Property Name="Id" Type="Edm.Int64"/></EntityType>
<EntityType Name="Machine"><Key><PropertyRef Name="Id"/></Key><Property Name="Id" Type="Edm.Guid"/></EntityType>
<EntityContainer Name="C">
<EntitySet Name="Sessions" EntityType="A.Session"><NavigationPropertyBinding Path="User" Target="OldUsers"/></EntitySet>
<EntitySet Name="Users" EntityType="N.User"/><EntitySet Name="OldUsers" EntityType="N.User"/>
<EntitySet Name="Machines" EntityType="N.Machine"/>
</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"#;

    #[test]
    fn sets_have_their_columns_in_order() {
        let catalogue = Catalogue::read(XML.as_bytes()).unwrap();
        let names: Vec<&str> = catalogue.sets().map(|set| set.name.as_str()).collect();
        assert_eq!(names, ["Machines", "OldUsers", "Sessions", "Users"]);
        let set = catalogue.set("SESSIONS").unwrap();
        let columns: Vec<(&str, &str, bool)> = set
            .columns
            .iter()
            .map(|column| (&*column.name, &*column.kind, column.nullable))
            .collect();
        assert_eq!(
            columns,
            [
                ("Id", "Edm.Int64", false),
                ("Zone", "Edm.String", true),
                ("At", "Edm.DateTimeOffset", false),
                ("State", "N.State", true),
            ]
        );
        assert_eq!(set.key, ["Id"]);
        let members = [("Off", 0), ("On", 5), ("Odd", 6)].map(|(name, n)| (name.to_owned(), n));
        assert_eq!(set.column("State").unwrap().members, members);
        assert_eq!(catalogue.nearest("Session"), ["Sessions"]);
    }

    #[test]
    fn navigation_leads_to_sets() {
        let catalogue = Catalogue::read(XML.as_bytes()).unwrap();
        let set = catalogue.set("Sessions").unwrap();
        let user = set.link("User").unwrap();
        assert_eq!(
            (user.set.as_deref(), user.collection),
            (Some("OldUsers"), false)
        );
        let machines = set.link("Machines").unwrap();
        assert_eq!(
            (machines.set.as_deref(), machines.collection),
            (Some("Machines"), true)
        );
    }

    #[test]
    fn what_is_no_metadata_is_an_error() {
        assert!(Catalogue::read(b"<html/>").is_err());
        assert!(Catalogue::read(b"{}").is_err());
    }
}
