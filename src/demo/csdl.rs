//! `$metadata`: the model as CSDL 4.0 XML, and the service document.

use std::fmt::Write as _;

use serde_json::json;

use super::model::{Link, Model, Navigation, Table};

/// The whole `$metadata` document.
pub(crate) fn document() -> String {
    let model = Model::published();
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\">\n\
         <edmx:DataServices>\n",
    );
    let mut namespaces: Vec<&str> = model
        .tables()
        .iter()
        .map(|table| namespace(&table.kind).0)
        .collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    for space in namespaces {
        let _ = writeln!(out, "<Schema Namespace=\"{space}\" xmlns=\"{EDM}\">");
        for table in model
            .tables()
            .iter()
            .filter(|table| namespace(&table.kind).0 == space)
        {
            entity_type(table, &mut out);
        }
        out.push_str("</Schema>\n");
    }
    container(model, &mut out);
    out.push_str("</edmx:DataServices>\n</edmx:Edmx>\n");
    out
}

/// The service document: all sets by name.
pub(crate) fn service(root: &str) -> String {
    let sets: Vec<_> = Model::published()
        .tables()
        .iter()
        .filter_map(|table| table.set.as_ref())
        .map(|set| json!({ "name": set, "kind": "EntitySet", "url": set }))
        .collect();
    json!({ "@odata.context": format!("{root}/$metadata"), "value": sets }).to_string()
}

fn entity_type(table: &Table, out: &mut String) {
    let _ = writeln!(
        out,
        "<EntityType Name=\"{}\">\n<Key>",
        namespace(&table.kind).1
    );
    for column in &table.key {
        let _ = writeln!(out, "<PropertyRef Name=\"{}\" />", name_of(table, *column));
    }
    out.push_str("</Key>\n");
    for property in &table.properties {
        let nullable = if property.nullable {
            ""
        } else {
            " Nullable=\"false\""
        };
        let _ = writeln!(
            out,
            "<Property Name=\"{}\" Type=\"Edm.{}\"{nullable} />",
            property.name,
            property.edm.name()
        );
    }
    for navigation in &table.navigation {
        navigation_property(table, navigation, out);
    }
    out.push_str("</EntityType>\n");
}

fn navigation_property(table: &Table, navigation: &Navigation, out: &mut String) {
    let Some(target) = Model::published().table(navigation.target) else {
        return;
    };
    let kind = if navigation.many {
        format!("Collection({})", target.kind)
    } else {
        target.kind.clone()
    };
    let _ = write!(
        out,
        "<NavigationProperty Name=\"{}\" Type=\"{kind}\"",
        navigation.name
    );
    match (navigation.link, target.key.as_slice()) {
        (Link::Foreign(column), [key]) => {
            let _ = writeln!(
                out,
                ">\n<ReferentialConstraint Property=\"{}\" ReferencedProperty=\"{}\" />\n</NavigationProperty>",
                name_of(table, column),
                name_of(target, *key)
            );
        }
        _ => out.push_str(" />\n"),
    }
}

fn container(model: &Model, out: &mut String) {
    let _ = writeln!(
        out,
        "<Schema Namespace=\"Default\" xmlns=\"{EDM}\">\n<EntityContainer Name=\"Container\">"
    );
    for table in model.tables() {
        let Some(set) = &table.set else { continue };
        let _ = writeln!(
            out,
            "<EntitySet Name=\"{set}\" EntityType=\"{}\">",
            table.kind
        );
        for navigation in &table.navigation {
            if let Some(target) = model
                .table(navigation.target)
                .and_then(|target| target.set.as_ref())
            {
                let _ = writeln!(
                    out,
                    "<NavigationPropertyBinding Path=\"{}\" Target=\"{target}\" />",
                    navigation.name
                );
            }
        }
        out.push_str("</EntitySet>\n");
    }
    out.push_str("</EntityContainer>\n</Schema>\n");
}

fn name_of(table: &Table, column: usize) -> &str {
    table
        .properties
        .get(column)
        .map_or("", |property| property.name.as_str())
}

/// A full type name in its two parts.
fn namespace(kind: &str) -> (&str, &str) {
    kind.rsplit_once('.').unwrap_or(("", kind))
}

const EDM: &str = "http://docs.oasis-open.org/odata/ns/edm";

#[cfg(test)]
mod tests {
    use quick_xml::Reader;
    use quick_xml::events::Event;

    use super::*;

    #[test]
    fn is_well_formed_and_lists_every_set() {
        let document = document();
        let mut reader = Reader::from_str(&document);
        let (mut sets, mut types) = (0, 0);
        loop {
            match reader.read_event().unwrap() {
                Event::Start(element) | Event::Empty(element) => match element.name().as_ref() {
                    "EntitySet" => sets += 1,
                    "EntityType" => types += 1,
                    _ => {}
                },
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!((sets, types), (79, 84));
    }
}
