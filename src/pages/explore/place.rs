//! Addresses of the explorer's pages.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::odata::name::SiteId;
use crate::pages::address::Address;

/// The page of a site's sets.
pub(super) fn of_site(address: &Address, site: &SiteId) -> String {
    address.link(&format!("/explore/{site}"))
}

/// The page of a set.
pub(super) fn of_set(address: &Address, site: &SiteId, set: &str) -> String {
    let set = utf8_percent_encode(set, NON_ALPHANUMERIC);
    address.link(&format!("/explore/{site}/{set}"))
}
