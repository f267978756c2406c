//! The settings as written: values with their origins, in layers, and the layers merged.

use std::collections::BTreeMap;
use std::fmt;

use config::{Map, Source, Value, ValueKind};

use super::keys::{self, DefaultValue};
use super::problem::Problem;

/// What one source says: known settings only, by their dotted names.
#[derive(Clone, Default)]
pub(super) struct Layer {
    values: BTreeMap<String, Value>,
    sites: BTreeMap<String, String>,
}

impl Layer {
    /// Adds a setting. The later of two with one name wins.
    pub(super) fn set(&mut self, name: &str, kind: impl Into<ValueKind>, origin: &str) {
        if let Some(site) = site_of(name) {
            self.add_site(site, origin);
        }
        let value = Value::new(Some(&origin.to_owned()), kind);
        self.values.insert(name.to_owned(), value);
    }

    /// Notes that a site is mentioned, even if nothing is set in it.
    pub(super) fn add_site(&mut self, site: &str, origin: &str) {
        let origin = origin.to_owned();
        self.sites.entry(site.to_owned()).or_insert(origin);
    }

    /// The sites that are mentioned, with where that happens.
    pub(super) fn sites(&self) -> &BTreeMap<String, String> {
        &self.sites
    }

    /// The defaults, with a site's defaults for each of `sites`.
    pub(super) fn defaults(sites: &BTreeMap<String, String>) -> Self {
        let mut layer = Self::default();
        for key in keys::KEYS {
            let Some(kind) = default_value(key.default) else {
                continue;
            };
            match key.name.strip_prefix("sites.*.") {
                None => layer.set(key.name, kind, DEFAULT_ORIGIN),
                Some(rest) => {
                    for site in sites.keys() {
                        let name = format!("sites.{site}.{rest}");
                        layer.set(&name, kind.clone(), DEFAULT_ORIGIN);
                    }
                }
            }
        }
        layer
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        Ok(self.values.clone().into_iter().collect())
    }
}

/// Names only: a value may be a secret.
impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

/// All layers merged.
pub(super) struct Raw {
    values: BTreeMap<String, Value>,
    sites: BTreeMap<String, String>,
}

impl Raw {
    /// Puts `layers` on top of the defaults; a later one wins.
    pub(super) fn merge(layers: Vec<Layer>) -> Result<Self, Problem> {
        let mut sites = BTreeMap::new();
        for (site, origin) in layers.iter().flat_map(|layer| &layer.sites) {
            sites.entry(site.clone()).or_insert_with(|| origin.clone());
        }
        let defaults = Layer::defaults(&sites);
        let builder = config::Config::builder().add_source(defaults);
        let merged = layers
            .into_iter()
            .fold(
                builder,
                config::ConfigBuilder::<config::builder::DefaultState>::add_source,
            )
            .build()
            .map_err(|_| Problem::new("settings", "the sources of settings do not fit together"))?;
        let mut values = BTreeMap::new();
        flatten(String::new(), merged.cache, &mut values);
        Ok(Self { values, sites })
    }

    /// A setting's value.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// The names of the sites, with where each is first mentioned.
    pub(super) fn sites(&self) -> &BTreeMap<String, String> {
        &self.sites
    }
}

fn flatten(name: String, value: Value, into: &mut BTreeMap<String, Value>) {
    match value.kind {
        ValueKind::Table(table) => {
            for (part, value) in table {
                let inner = match name.as_str() {
                    "" => part,
                    outer => format!("{outer}.{part}"),
                };
                flatten(inner, value, into);
            }
        }
        _ => {
            into.insert(name, value);
        }
    }
}

fn default_value(default: DefaultValue) -> Option<ValueKind> {
    let texts = |list: &[&str]| -> ValueKind {
        list.iter()
            .map(|text| plain(*text))
            .collect::<Vec<_>>()
            .into()
    };
    Some(match default {
        DefaultValue::Absent => return None,
        DefaultValue::Text(text) => text.into(),
        DefaultValue::Count(count) => count.into(),
        DefaultValue::List(list) => texts(list),
        DefaultValue::Rules(rules) => {
            let tables = rules.iter().map(|rule| {
                let clocks = rule.clocks().map(|(name, clock)| (name, clock.into()));
                let table = clocks.chain([("sets", texts(rule.sets))]);
                plain(ValueKind::Table(
                    table
                        .map(|(name, kind)| (name.to_owned(), plain(kind)))
                        .collect(),
                ))
            });
            tables.collect::<Vec<_>>().into()
        }
    })
}

fn plain(kind: impl Into<ValueKind>) -> Value {
    Value::new(Some(&DEFAULT_ORIGIN.to_owned()), kind)
}

/// `main` of `sites.main.region`.
fn site_of(name: &str) -> Option<&str> {
    name.strip_prefix("sites.")?.split('.').next()
}

/// The origin of what nobody set.
pub(super) const DEFAULT_ORIGIN: &str = "default";
