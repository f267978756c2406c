//! The sites by the names that paths give them.

use crate::odata::name::SiteId;

/// The configured sites.
#[derive(Debug)]
pub(crate) struct Sites {
    /// All of them.
    pub all: Vec<SiteId>,
    /// The one of `/monitorodata`.
    pub default: Option<SiteId>,
}

impl Sites {
    /// The site of that name, whatever its case; the default one for none.
    pub(crate) fn named(&self, name: Option<&str>) -> Option<&SiteId> {
        let Some(name) = name else {
            return self.default.as_ref();
        };
        let mut sites = self.all.iter();
        sites.find(|site| site.as_str().eq_ignore_ascii_case(name))
    }
}
