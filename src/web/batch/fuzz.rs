//! A door for the fuzzer, which sees only what is public.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

use super::format::Format;
use super::target::Locator;
use super::{ITEMS_MAX, plan};
use crate::odata::name::SiteId;
use crate::web::host::{AllowedHosts, Authority};
use crate::web::sites::Sites;
use crate::web::{AccessSettings, Settings};

/// Reads a batch of that type, and finds where its requests lead: paths below the service root, with their queries. `None`
/// when it is refused as a whole.
pub fn batch(content_type: &str, body: &[u8]) -> Option<Vec<(String, Option<String>)>> {
    let site = SiteId::new("main")?;
    let value = HeaderValue::from_str(content_type).ok()?;
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value)]);
    let items = Format::of(&headers)
        .ok()?
        .read(&Bytes::copy_from_slice(body))
        .ok()?;
    assert!(items.len() <= ITEMS_MAX, "{}", items.len());
    let settings = Settings {
        listen: Vec::new(),
        allowed_hosts: Vec::new(),
        public_url: None,
        tls: false,
        access: AccessSettings::default(),
    };
    let locator = Locator {
        hosts: &AllowedHosts::new(&settings),
        sites: &Sites {
            all: vec![site.clone()],
            default: Some(site.clone()),
        },
        site: &site,
        scheme: "http",
        authority: &Authority::of("localhost:8484"),
        root: "/monitorodata",
        public_url: None,
    };
    let targets = plan(items, &locator).into_iter();
    let targets = targets.filter_map(|planned| planned.target.ok());
    Some(targets.map(|target| (target.below, target.query)).collect())
}
