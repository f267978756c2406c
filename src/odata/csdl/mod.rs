//! `$metadata`: read into a [`Schema`], and rewritten without what is on the deny list.
//!
//! CSDL 4.0 in XML, with any namespace prefixes and with aliases. What is kept is kept byte for byte,
//! because Power Query is particular about the document and we know no better than upstream.

mod catalogue;

use std::collections::{BTreeMap, BTreeSet};

use super::deny::{DenyList, Secrets};
use super::markup::{Element, Markup};
use super::schema::{EntityType, Navigation, Schema};

pub use self::catalogue::{Catalogue, Column, Link, SetEntry};
pub use super::markup::CsdlError;

/// Reads `$metadata`.
pub fn parse(xml: &[u8]) -> Result<Schema, CsdlError> {
    Document::read(xml).map(|document| document.schema)
}

/// `$metadata` without denied sets, the types that only they have, and whatever leads to those. All other
/// bytes stay as they are.
pub fn hide(xml: &[u8], deny: &DenyList) -> Result<Vec<u8>, CsdlError> {
    if deny.is_empty() {
        return Ok(xml.to_vec());
    }
    let document = Document::read(xml)?;
    let hiding = Hiding::new(&document, deny);
    Ok(document
        .markup
        .cut(|index, element| hiding.hides(index, element)))
}

/// The elements of a document and what they mean.
#[derive(Debug)]
struct Document<'a> {
    markup: Markup<'a>,
    /// Alias → namespace.
    aliases: BTreeMap<String, String>,
    schema: Schema,
}

impl<'a> Document<'a> {
    fn read(xml: &'a [u8]) -> Result<Self, CsdlError> {
        let mut document = Self {
            markup: Markup::read(xml)?,
            aliases: BTreeMap::new(),
            schema: Schema::default(),
        };
        let mut schemas_seen = false;
        for element in &document.markup.elements {
            schemas_seen |= element.name == "Schema";
            if let (Some(alias), Some(namespace)) =
                (element.attribute("Alias"), element.attribute("Namespace"))
            {
                document
                    .aliases
                    .insert(alias.to_owned(), namespace.to_owned());
            }
        }
        if !schemas_seen {
            return Err(CsdlError::NoSchema);
        }
        document.schema = document.read_schema();
        Ok(document)
    }

    fn read_schema(&self) -> Schema {
        let mut schema = Schema::default();
        for (index, element) in self.markup.elements.iter().enumerate() {
            match element.name.as_str() {
                "EntitySet" => {
                    let names = (element.attribute("Name"), element.attribute("EntityType"));
                    if let (Some(name), Some(type_name)) = names {
                        schema.sets.insert(name.to_owned(), self.resolve(type_name));
                    }
                }
                "EntityType" | "ComplexType" => {
                    if let Some(name) = self.full_name(element) {
                        schema.types.insert(name, self.read_type(index, element));
                    }
                }
                _ => {}
            }
        }
        with_inheritance(schema)
    }

    /// A type with what it declares itself.
    fn read_type(&self, index: usize, element: &Element) -> EntityType {
        let mut declared = EntityType {
            base: element.attribute("BaseType").map(|base| self.resolve(base)),
            ..EntityType::default()
        };
        for member in self.markup.children(index) {
            let names = (member.attribute("Name"), member.attribute("Type"));
            match (member.name.as_str(), names) {
                ("Property", (Some(name), Some(kind))) => {
                    let kind = self.resolve(kind);
                    declared.properties.insert(name.to_owned(), kind);
                    if member.attribute("Nullable") == Some("false") {
                        declared.required.insert(name.to_owned());
                    }
                }
                ("NavigationProperty", (Some(name), Some(kind))) => {
                    let navigation = Navigation {
                        target: self.resolve(item_type(kind)),
                        collection: item_type(kind) != kind,
                    };
                    declared.navigation.insert(name.to_owned(), navigation);
                }
                _ => {}
            }
        }
        let inside_key = |e: &&Element| {
            let key = self.markup.parent(e).filter(|parent| parent.name == "Key");
            e.name == "PropertyRef" && key.is_some_and(|key| key.parent == Some(index))
        };
        let references = self.markup.elements.iter().skip(index + 1);
        declared.key = references
            .take_while(|e| e.span.start < element.span.end)
            .filter(inside_key)
            .filter_map(|e| Some(e.attribute("Name")?.to_owned()))
            .collect();
        // A key has no nulls, whatever the document says (CSDL 4.0, section 8.2).
        declared.required.extend(declared.key.iter().cloned());
        declared
    }

    /// The full name of something that a schema declares.
    fn full_name(&self, element: &Element) -> Option<String> {
        let schema = self.markup.parent(element)?;
        let namespace = schema.attribute("Namespace")?;
        Some(format!("{namespace}.{}", element.attribute("Name")?))
    }

    /// A full name, or `Collection(…)` of one, with its namespace in place of an alias.
    fn resolve(&self, name: &str) -> String {
        let item = item_type(name);
        if item != name {
            return format!("Collection({})", self.resolve(item));
        }
        match name.rsplit_once('.') {
            Some((alias, short)) => match self.aliases.get(alias) {
                Some(namespace) => format!("{namespace}.{short}"),
                None => name.to_owned(),
            },
            None => name.to_owned(),
        }
    }
}

/// `T` of `Collection(T)`, else the name itself.
fn item_type(name: &str) -> &str {
    name.strip_prefix("Collection(")
        .and_then(|rest| rest.strip_suffix(')'))
        .unwrap_or(name)
}

fn with_inheritance(declared: Schema) -> Schema {
    let mut types = BTreeMap::new();
    for (name, own) in &declared.types {
        let mut whole = own.clone();
        let ancestors = declared.lineage(name).skip(1);
        for ancestor in ancestors.filter_map(|name| declared.types.get(name)) {
            if whole.key.is_empty() {
                whole.key.clone_from(&ancestor.key);
            }
            for (name, kind) in &ancestor.properties {
                let entry = whole.properties.entry(name.clone());
                entry.or_insert_with(|| kind.clone());
            }
            whole.required.extend(ancestor.required.iter().cloned());
            for (name, navigation) in &ancestor.navigation {
                let entry = whole.navigation.entry(name.clone());
                entry.or_insert_with(|| navigation.clone());
            }
        }
        types.insert(name.clone(), whole);
    }
    Schema { types, ..declared }
}

/// What is to be cut from a document.
struct Hiding<'a> {
    document: &'a Document<'a>,
    deny: &'a DenyList,
    secrets: Secrets,
    /// Full names of functions and actions that take or return hidden types.
    operations: BTreeSet<String>,
    /// Names of hidden things that nothing else has.
    words: BTreeSet<&'a str>,
}

impl<'a> Hiding<'a> {
    fn new(document: &'a Document<'a>, deny: &'a DenyList) -> Self {
        let mut hiding = Self {
            document,
            deny,
            secrets: deny.secrets(&document.schema),
            operations: BTreeSet::new(),
            words: BTreeSet::new(),
        };
        let mut operations = BTreeSet::new();
        for (index, element) in document.markup.elements.iter().enumerate() {
            if hiding.hides_operation(index, element) {
                operations.extend(document.full_name(element));
            }
        }
        hiding.operations = operations;
        let (mut hidden, mut shown) = (BTreeSet::new(), BTreeSet::new());
        for (index, element) in document.markup.elements.iter().enumerate() {
            let Some(name) = element
                .attribute("Name")
                .filter(|_| names_something(element))
            else {
                continue;
            };
            let around = element.parent.zip(document.markup.parent(element));
            if around.is_some_and(|(index, parent)| hiding.hides(index, parent)) {
                continue;
            }
            if hiding.hides(index, element) {
                hidden.insert(name);
            } else {
                shown.insert(name);
            }
        }
        hiding.words = hidden.difference(&shown).copied().collect();
        hiding
    }

    fn hides(&self, index: usize, element: &Element) -> bool {
        let attribute = |name: &str| element.attribute(name);
        match element.name.as_str() {
            "EntitySet" => attribute("Name").is_some_and(|name| self.deny.denies(name)),
            "Singleton" => {
                attribute("Name").is_some_and(|name| self.deny.denies(name))
                    || attribute("Type").is_some_and(|kind| self.secret(kind))
            }
            "EntityType" => {
                let name = self.document.full_name(element);
                name.is_some_and(|name| self.secrets.hidden.contains(&name))
            }
            "NavigationProperty" => attribute("Type").is_some_and(|kind| self.secret(kind)),
            "NavigationPropertyBinding" => {
                attribute("Target").is_some_and(|path| self.set_is_denied(path))
                    || attribute("Path").is_some_and(|path| self.names_hidden_type(path))
            }
            "Function" | "Action" => self.hides_operation(index, element),
            "FunctionImport" | "ActionImport" => {
                let operation = attribute("Function").or_else(|| attribute("Action"));
                operation.is_some_and(|name| self.operations.contains(&self.document.resolve(name)))
                    || attribute("EntitySet").is_some_and(|path| self.set_is_denied(path))
                    || attribute("Name").is_some_and(|name| self.deny.denies(name))
            }
            "Annotations" => attribute("Target").is_some_and(|path| self.target_is_hidden(path)),
            // An annotation of something that stays may name what does not.
            "Annotation" => self.mentions_hidden(self.document.markup.source(element)),
            _ => false,
        }
    }

    fn hides_operation(&self, index: usize, element: &Element) -> bool {
        matches!(element.name.as_str(), "Function" | "Action")
            && self
                .document
                .markup
                .children(index)
                .filter_map(|part| part.attribute("Type"))
                .any(|kind| self.secret(kind))
    }

    fn secret(&self, kind: &str) -> bool {
        let name = self.document.resolve(item_type(kind));
        self.secrets.guarded.contains(&name)
    }

    /// `Set`, `Namespace.Container/Set`.
    fn set_is_denied(&self, path: &str) -> bool {
        let mut names = path.split('/').filter(|step| !step.contains('.'));
        names.any(|name| self.deny.denies(name))
    }

    fn names_hidden_type(&self, path: &str) -> bool {
        path.split('/')
            .any(|step| self.secrets.hidden.contains(&self.document.resolve(step)))
    }

    /// Whether annotations are for something that is cut: `Namespace.Type`, `Namespace.Type/Property`,
    /// `Namespace.Container/Set`, …
    fn target_is_hidden(&self, path: &str) -> bool {
        let mut steps = path.split('/');
        let first = self.document.resolve(steps.next().unwrap_or_default());
        let Some(entity) = self.document.schema.types.get(&first) else {
            return self.set_is_denied(path) || self.mentions_hidden(path);
        };
        let navigation = steps.next().and_then(|name| entity.navigation.get(name));
        self.names_hidden_type(path)
            || navigation.is_some_and(|nav| self.secrets.guarded.contains(&nav.target))
    }

    fn mentions_hidden(&self, text: &str) -> bool {
        !self.words.is_empty()
            && text
                .split(|c: char| !(c.is_alphanumeric() || c == '_'))
                .any(|word| self.words.contains(word))
    }
}

/// Elements whose `Name` is a word of the model.
fn names_something(element: &Element) -> bool {
    matches!(
        element.name.as_str(),
        "EntityType"
            | "ComplexType"
            | "EnumType"
            | "EntitySet"
            | "Singleton"
            | "Property"
            | "NavigationProperty"
            | "Function"
            | "Action"
            | "FunctionImport"
            | "ActionImport"
            | "EntityContainer"
    )
}

#[cfg(test)]
mod tests;
