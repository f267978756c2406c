//! Sets that are not shown, because their rows carry secrets.
//!
//! A set can be reached by other ways than its name: `$expand`, navigation in a path or a filter, a type
//! cast. Upstream would follow them all, so a question is searched for every word that leads there. Where
//! a question cannot be understood for certain it is refused: these rows carry passwords.

use std::collections::BTreeSet;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use percent_encoding::percent_decode_str;

use super::question::{Question, Resource};
use super::quotes::{Span, spans};
use super::schema::Schema;

/// Entity sets that are not shown.
#[derive(Debug, Clone)]
pub struct DenyList {
    /// Over folded names.
    globs: GlobSet,
}

/// Why a deny list cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{glob}` is not a pattern for entity sets; write a name, with `*` for any letters")]
pub struct DenyListError {
    /// The pattern.
    pub glob: String,
    /// What is wrong with it.
    #[source]
    source: globset::Error,
}

/// The types of a schema that lead to secrets, by full name.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// Entity types that only denied sets have and that no shown type derives from: not to be shown.
    pub(super) hidden: BTreeSet<String>,
    /// Types whose rows may be those of a denied set: not to be navigated to.
    pub(super) guarded: BTreeSet<String>,
}

impl DenyList {
    /// Reads patterns as `NotificationEmail*`; case does not matter.
    pub fn new(globs: &[impl AsRef<str>]) -> Result<Self, DenyListError> {
        let mut set = GlobSetBuilder::new();
        let fault = |glob: &str, source| DenyListError {
            glob: glob.to_owned(),
            source,
        };
        for glob in globs.iter().map(AsRef::as_ref) {
            let folded = GlobBuilder::new(&fold(glob)).build();
            set.add(folded.map_err(|source| fault(glob, source))?);
        }
        let globs = set.build().map_err(|source| fault("*", source))?;
        Ok(Self { globs })
    }

    /// Whether nothing is denied.
    pub fn is_empty(&self) -> bool {
        self.globs.is_empty()
    }

    /// Whether the set of that name is not shown.
    pub fn denies(&self, set: &str) -> bool {
        self.globs.is_match(fold(set))
    }

    /// Whether the question leaves its set or might: then [`DenyList::denies`] for the set is not enough,
    /// and it takes [`DenyList::crosses`].
    pub fn needs_schema(&self, question: &Question) -> bool {
        if self.is_empty() {
            return false;
        }
        let leaves_path = match question.resource() {
            Resource::ServiceDocument
            | Resource::Metadata
            | Resource::Batch
            | Resource::Collection(_)
            | Resource::Count(_) => false,
            Resource::Entity { rest, .. } => !rest.is_empty(),
            Resource::Other(_) => true,
        };
        leaves_path
            || question
                .options()
                .iter()
                .any(|(name, value)| leaves_set(name, value))
    }

    /// What the question reaches that is not shown: the name of a set, a navigation property or a type.
    pub fn crosses(&self, question: &Question, schema: &Schema) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let trap = Trap::new(self, schema);
        let name = path_words(question).find(|word| self.denies(word) || trap.holds(word));
        let name = name.or_else(|| option_words(question).find(|word| trap.holds(word)));
        name.or_else(|| trap.star(question, schema))
            .or_else(|| everything(question))
    }

    /// The same while `$metadata` is not at hand: any word that the patterns match. Navigation properties
    /// that are named otherwise than the set that they lead to are not seen; refuse what
    /// [`DenyList::needs_schema`] where that is too little.
    pub fn crosses_by_name(&self, question: &Question) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let expand = question.option("$expand").unwrap_or_default();
        path_words(question)
            .chain(option_words(question))
            .find(|word| word.split('.').any(|name| self.denies(name)))
            .or_else(|| has_star(expand).then(|| "*".to_owned()))
            .or_else(|| everything(question))
    }

    /// The types of `schema` that lead to what is not shown.
    pub(super) fn secrets(&self, schema: &Schema) -> Secrets {
        let sets_of = |type_name: &str, denied: bool| {
            let mut sets = schema.sets.iter();
            sets.any(|(set, kind)| kind == type_name && self.denies(set) == denied)
        };
        // The nearest type in its lineage that has a set decides; a type without any is judged by its name.
        let secret = |type_name: &str| {
            for ancestor in schema.lineage(type_name) {
                match (sets_of(ancestor, false), sets_of(ancestor, true)) {
                    (true, _) => return false,
                    (false, true) => return true,
                    (false, false) => {}
                }
            }
            let keyed = schema
                .types
                .get(type_name)
                .is_some_and(|t| !t.key.is_empty());
            keyed && self.denies(short(type_name))
        };
        let secrets: BTreeSet<&str> = schema
            .types
            .keys()
            .map(String::as_str)
            .filter(|t| secret(t))
            .collect();
        let hidden = secrets
            .iter()
            .filter(|t| schema.derived(t).all(|d| secrets.contains(d)));
        let guarded = schema.types.keys().filter(|t| {
            let shown = sets_of(t, false);
            secrets.contains(t.as_str())
                || (!shown && schema.derived(t).any(|d| secrets.contains(d)))
        });
        Secrets {
            hidden: hidden.map(|t| (*t).to_owned()).collect(),
            guarded: guarded.cloned().collect(),
        }
    }
}

/// Folded words of a schema that lead to what is not shown.
#[derive(Debug)]
struct Trap {
    /// Denied sets, and navigation properties that lead to guarded types.
    names: BTreeSet<String>,
    /// Guarded types without their namespace.
    types: BTreeSet<String>,
    /// Full names of the types that are not guarded but have such a navigation property.
    doors: BTreeSet<String>,
}

impl Trap {
    fn new(deny: &DenyList, schema: &Schema) -> Self {
        let guarded = deny.secrets(schema).guarded;
        let denied = schema.sets.keys().filter(|set| deny.denies(set));
        let mut trap = Self {
            names: denied.map(|set| fold(set)).collect(),
            types: guarded.iter().map(|t| fold(short(t))).collect(),
            doors: BTreeSet::new(),
        };
        for (type_name, entity) in &schema.types {
            for (name, navigation) in &entity.navigation {
                if guarded.contains(&navigation.target) {
                    trap.names.insert(fold(name));
                    if !guarded.contains(type_name) {
                        trap.doors.insert(type_name.clone());
                    }
                }
            }
        }
        trap
    }

    /// Words of a cast have a dot: any type has a namespace or an alias in front.
    fn holds(&self, word: &str) -> bool {
        let cast = word.contains('.');
        word.split('.')
            .map(fold)
            .any(|name| self.names.contains(&name) || (cast && self.types.contains(&name)))
    }

    /// `$expand=*` goes through every navigation property of a type, that of an inner `*` of another type.
    fn star(&self, question: &Question, schema: &Schema) -> Option<String> {
        let expand = question.option("$expand").filter(|value| has_star(value))?;
        let outer = expand == "*" && question.option("$levels").is_none();
        let type_name = question
            .set()
            .filter(|_| outer && matches!(question.resource(), Resource::Collection(_)))
            .and_then(|set| schema.type_of_set(set.as_str()));
        let door = |name: &str| {
            schema
                .lineage(name)
                .any(|ancestor| Some(ancestor) == type_name)
        };
        let mut doors = self.doors.iter();
        let found = doors.any(|name| type_name.is_none() || door(name));
        found.then(|| "*".to_owned())
    }
}

/// `$all`: the rows of all sets.
fn everything(question: &Question) -> Option<String> {
    match question.resource() {
        Resource::Other(segments) => segments
            .iter()
            .map(|segment| fold(segment))
            .find(|segment| segment == "$all"),
        _ => None,
    }
}

fn has_star(expand: &str) -> bool {
    expand.contains('*')
}

/// Whether an option's text might navigate.
fn leaves_set(name: &str, value: &str) -> bool {
    let name = fold(name);
    let navigates = |text: &String| text.contains('/') || fold(text).contains("expand");
    name.contains("expand")
        || name.contains("apply")
        || (name.contains("select") && value.contains('('))
        || readable(value).iter().any(navigates)
}

fn path_words(question: &Question) -> impl Iterator<Item = String> {
    let pieces: Vec<&str> = match question.resource() {
        Resource::ServiceDocument | Resource::Metadata | Resource::Batch => Vec::new(),
        Resource::Collection(set) | Resource::Count(set) => vec![set.as_str()],
        Resource::Entity { set, key, rest } => {
            let rest = rest.iter().map(String::as_str);
            [set.as_str(), key].into_iter().chain(rest).collect()
        }
        Resource::Other(segments) => segments.iter().map(String::as_str).collect(),
    };
    words(pieces)
}

fn option_words(question: &Question) -> impl Iterator<Item = String> {
    let pieces = question.options().iter();
    words(pieces.flat_map(|(name, value)| [name.as_str(), value]))
}

/// The identifiers in the pieces, with the dots between them: `Machine`, `Citrix.Monitor.Model.Machine`.
fn words<'a>(pieces: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = String> {
    let texts: Vec<String> = pieces.into_iter().flat_map(readable).collect();
    texts.into_iter().flat_map(|text| {
        text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    })
}

/// The text of `piece` in which names may stand, and once more as it would be if somebody decoded it again.
fn readable(piece: &str) -> Vec<String> {
    let mut texts = without_literals(piece);
    if piece.contains('%') {
        let decoded = percent_decode_str(piece).decode_utf8_lossy();
        texts.extend(without_literals(&decoded));
    }
    texts
}

/// The text outside quotes. Where another reader might see the quotes otherwise (double quotes, which mean
/// something in searches alone; a search inside `$expand`, where an apostrophe is a letter; a quote that is
/// not closed) it is all of the text. Names of types in quotes count too: `isof('Namespace.Type')`.
fn without_literals(piece: &str) -> Vec<String> {
    let doubtful = piece.contains('"')
        || fold(piece).contains("search")
        || spans(piece).any(|span| matches!(span, Span::Open(_)));
    if doubtful {
        return vec![piece.to_owned()];
    }
    let dotted = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    spans(piece)
        .filter_map(|span| match span {
            Span::Plain(text) => Some(text),
            Span::Quoted(text) | Span::Open(text) => Some(text.trim_matches('\''))
                .filter(|name| name.contains('.') && name.chars().all(dotted)),
        })
        .map(str::to_owned)
        .collect()
}

/// The name without its namespace.
fn short(type_name: &str) -> &str {
    type_name.rsplit('.').next().unwrap_or(type_name)
}

/// The same for names that some framework might take for the same: `ſ` is an `S` to some.
fn fold(name: &str) -> String {
    name.to_uppercase().to_lowercase()
}

#[cfg(test)]
mod tests {
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
}
