//! What a visitor picked: a site and a set, by name. Pure.

use crate::odata::name::{EntitySet, SiteId};

/// The two options that pages here know. Others mean nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Choice {
    /// `site=`; blank ones count as none.
    pub site: Option<String>,
    /// `set=`
    pub set: Option<String>,
}

/// Why there is nothing to show.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// No site of that name.
    Site(String),
    /// No entity set of that name that may be asked for.
    Set(String),
}

impl Choice {
    /// Reads a query. The first of several counts.
    pub(super) fn read(query: Option<&str>) -> Self {
        let mut choice = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let place = match &*name {
                "site" => &mut choice.site,
                "set" => &mut choice.set,
                _ => continue,
            };
            if place.is_none() && !value.trim().is_empty() {
                *place = Some(value.trim().to_owned());
            }
        }
        choice
    }

    /// The site that is meant, whatever its case: the one named, else the default one, else the first.
    pub(super) fn site(
        &self,
        sites: &[SiteId],
        default: Option<&SiteId>,
    ) -> Result<SiteId, Unknown> {
        let Some(name) = &self.site else {
            let first = default.or_else(|| sites.first());
            return first.cloned().ok_or_else(|| Unknown::Site(String::new()));
        };
        let mut named = sites
            .iter()
            .filter(|site| site.as_str().eq_ignore_ascii_case(name));
        named
            .next()
            .cloned()
            .ok_or_else(|| Unknown::Site(name.clone()))
    }

    /// The set that is named, when it can be the name of one; `None` when the choice is ours.
    pub(super) fn set(&self) -> Result<Option<&str>, Unknown> {
        match &self.set {
            Some(name) if EntitySet::new(name).is_none() => Err(Unknown::Set(name.clone())),
            set => Ok(set.as_deref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_as_forms_write_them() {
        for (query, site, set) in [
            (None, None, None),
            (Some(""), None, None),
            (Some("site=&set=+"), None, None),
            (Some("site=lab&set=Users"), Some("lab"), Some("Users")),
            (Some("set=A&set=B&x=1"), None, Some("A")),
            (Some("set=%3Cb%3E&site=a+b"), Some("a b"), Some("<b>")),
            (Some("set=%ff&%"), None, Some("\u{fffd}")),
        ] {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            let expected = Choice {
                site: owned(site),
                set: owned(set),
            };
            assert_eq!(Choice::read(query), expected, "{query:?}");
        }
    }

    #[test]
    fn a_site_is_found_by_name_or_chosen() {
        let sites = ["lab", "main"].map(|name| SiteId::new(name).unwrap());
        for (named, default, expected) in [
            (None, Some(1), Some("main")),
            (None, None, Some("lab")),
            (Some("LAB"), Some(1), Some("lab")),
            (Some("mian"), Some(1), None),
        ] {
            let choice = Choice {
                site: named.map(str::to_owned),
                set: None,
            };
            let found = choice.site(&sites, default.and_then(|at: usize| sites.get(at)));
            assert_eq!(
                found.ok().as_ref().map(SiteId::as_str),
                expected,
                "{named:?}"
            );
        }
        let nowhere = Choice::default().site(&[], None);
        assert_eq!(nowhere, Err(Unknown::Site(String::new())));
    }

    #[test]
    fn what_cannot_be_a_set_is_none() {
        for (named, sound) in [
            ("Sessions", true),
            ("Größen_1", true),
            ("A/B", false),
            ("x'", false),
            ("<b>", false),
        ] {
            let choice = Choice {
                site: None,
                set: Some(named.to_owned()),
            };
            assert_eq!(choice.set().is_ok(), sound, "{named}");
        }
    }
}
