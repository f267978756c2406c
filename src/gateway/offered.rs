//! Which entity sets clients may ask a site for, and what they have to know to ask well.

use std::sync::Arc;

use super::{Gateway, SharedError, Site};
use crate::odata::name::SiteId;
use crate::odata::range::date_column;
use crate::odata::schema::{EntityType, Schema};

/// What `$metadata` offers, without what the operator hides.
#[derive(Debug, Clone)]
pub struct OfferedSets {
    site: Arc<Site>,
    schema: Arc<Schema>,
}

/// An entity set that may be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedSet {
    /// Its name, as `$metadata` writes it.
    pub name: String,
    /// Its key properties, in order; empty when they are not known.
    pub key: Vec<String>,
    /// The indexed date to filter by; `None` for sets that have none, which are small.
    pub date: Option<OfferedDate>,
}

/// The date to filter a set by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedDate {
    /// Its column, as `$metadata` writes it.
    pub column: String,
    /// Whether rows may have none, which no filter by date finds. Presumed where `$metadata` is not known, because a
    /// property is nullable unless it says otherwise (CSDL 4.0, section 6.2.1).
    pub nullable: bool,
}

impl Gateway {
    /// The sets of a site. Asks for `$metadata` when it is not known, which may take as long as any other question.
    pub async fn offered_sets(&self, site: &SiteId) -> Result<OfferedSets, SharedError> {
        let site = Arc::clone(self.site(site)?);
        let schema = self.schema(&site).await?;
        Ok(OfferedSets { site, schema })
    }

    /// What can be said of a set without `$metadata`. `None` when the site is unknown, or hides a set of that name.
    pub fn presumed_set(&self, site: &SiteId, name: &str) -> Option<OfferedSet> {
        let site = self.site(site).ok()?;
        let date = site.ranges().date(name).map(|column| OfferedDate {
            column: column.to_owned(),
            nullable: true,
        });
        (!site.deny().denies(name)).then(|| OfferedSet {
            name: name.to_owned(),
            key: Vec::new(),
            date,
        })
    }
}

impl OfferedSets {
    /// The names of all of them, in order.
    pub fn names(&self) -> Vec<&str> {
        let names = self.schema.sets.keys().map(String::as_str);
        names.filter(|name| !self.hides(name)).collect()
    }

    /// The set of that name, whatever its case.
    pub fn set(&self, name: &str) -> Option<OfferedSet> {
        let (name, entity) = self.schema.set(name)?;
        (!self.hides(name)).then(|| OfferedSet {
            name: name.to_owned(),
            key: entity.key.clone(),
            date: self.date(name, entity),
        })
    }

    /// The names most like `name`, best first, three at most.
    pub fn nearest(&self, name: &str) -> Vec<&str> {
        let near = self.schema.nearest_sets(name).into_iter();
        near.filter(|near| !self.hides(near)).collect()
    }

    fn date(&self, name: &str, entity: &EntityType) -> Option<OfferedDate> {
        let column = date_column(entity, self.site.ranges().date(name)?)?;
        Some(OfferedDate {
            column: column.clone(),
            nullable: !entity.required.contains(column),
        })
    }

    fn hides(&self, name: &str) -> bool {
        self.site.deny().denies(name)
    }
}
