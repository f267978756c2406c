//! One section `[sites.NAME]`.

use std::num::NonZeroUsize;

use url::Url;

use super::address;
use super::reader::{Read, Reader};
use crate::config::file::bad_site;
use crate::config::load::Surroundings;
use crate::config::problem::Problem;
use crate::config::raw::DEFAULT_ORIGIN;
use crate::config::secret::{self, ApiClient};
use crate::config::{Profile, Region, Site, TokenPath, Upstream};
use crate::odata::name::SiteId;

/// Checks the site `name`, first mentioned at `origin`.
pub(super) fn check(
    reader: &mut Reader<'_>,
    surroundings: &Surroundings,
    name: &str,
    origin: &str,
) -> Read<(SiteId, Site)> {
    let key = |rest: &str| format!("sites.{name}.{rest}");
    let id = match SiteId::new(name) {
        Some(id) => Ok(id),
        None => reader.note(bad_site(&format!("sites.{name}"), origin)),
    };
    let profile = reader.choice(&key("profile"), &[Profile::CitrixCloud]);
    let region = reader.choice(
        &key("region"),
        &[Region::Us, Region::Eu, Region::ApS, Region::Jp],
    );
    let customer_id = identifier(reader, &key("customer_id"), origin, CUSTOMER_HINT);
    let client_id = identifier(reader, &key("client_id"), origin, CLIENT_HINT);
    let client_secret = secret::read(
        reader,
        surroundings,
        name,
        origin,
        client_id.as_deref().ok(),
    );
    let token_path = reader.choice(&key("token_path"), &[TokenPath::Customer, TokenPath::Root]);
    let endpoint = address::endpoint(reader, &key("upstream.endpoint"));
    let upstream = upstream(reader, name);
    let region = region?;
    let (client_secret, client_secret_source) = client_secret?;
    let site = Site {
        profile: profile?,
        region,
        endpoint: match endpoint? {
            Some(endpoint) => endpoint,
            None => base(reader, &key("upstream.endpoint"), region)?,
        },
        customer_id: customer_id?,
        client_id: client_id?,
        client_secret,
        client_secret_source,
        token_path: token_path?,
        upstream: upstream?,
    };
    Ok((id?, site))
}

/// The API client of the site `name`, without its secret.
pub(super) fn api_client(
    reader: &mut Reader<'_>,
    surroundings: &Surroundings,
    name: &str,
    origin: &str,
) -> Read<ApiClient> {
    let site = match SiteId::new(name) {
        Some(id) => Ok(id),
        None => reader.note(bad_site(&format!("sites.{name}"), origin)),
    };
    let key = format!("sites.{name}.client_id");
    let client_id = identifier(reader, &key, origin, CLIENT_HINT);
    Ok(ApiClient {
        site: site?,
        client_id: client_id?,
        secret_elsewhere: secret::elsewhere(reader, surroundings, name),
    })
}

fn upstream(reader: &mut Reader<'_>, name: &str) -> Read<Upstream> {
    let key = |rest: &str| format!("sites.{name}.upstream.{rest}");
    let concurrency = reader.count(&key("concurrency"));
    let page_timeout = reader.duration(&key("page_timeout"));
    let retry_budget = reader.duration(&key("retry_budget"));
    let queue_limit = reader.count(&key("queue_limit"));
    Ok(Upstream {
        concurrency: NonZeroUsize::new(concurrency?).unwrap_or(NonZeroUsize::MIN),
        page_timeout: page_timeout?,
        retry_budget: retry_budget?,
        queue_limit: queue_limit?,
    })
}

/// An id that can go into a header and a path as it is. It is not shown when it is wrong: people paste the
/// secret into the wrong line.
fn identifier(reader: &mut Reader<'_>, name: &str, origin: &str, hint: &str) -> Read<String> {
    let text = reader.text(name)?;
    if text.is_empty() {
        let line = reader.value(name)?.origin();
        let line = line
            .filter(|line| *line != DEFAULT_ORIGIN)
            .unwrap_or(origin);
        let problem = Problem::new(name, "this is not set").from(Some(line));
        return reader.note(problem.hint(hint));
    }
    let sound = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if sound && text.len() <= ID_BYTES_MAX {
        return Ok(text);
    }
    reader.refuse(
        name,
        "an id has letters, digits, `-`, `_` and `.` only",
        hint,
    )
}

/// Where a region's gateway is, for tokens and data alike.
///
/// Citrix now recommends one gateway for the US, EU and Asia Pacific South. The older regional hosts
/// `api-us.cloud.com`, `api-eu.cloud.com` and `api-ap-s.cloud.com` still answer and can be set as the
/// endpoint, for those whose firewall knows only them.
fn base(reader: &mut Reader<'_>, name: &str, region: Region) -> Read<Url> {
    let base = match region {
        Region::Us | Region::Eu | Region::ApS => "https://api.cloud.com",
        Region::Jp => "https://api.citrixcloud.jp",
    };
    Url::parse(base).or_else(|_| reader.refuse(name, "the region has no endpoint", "set it"))
}

const ID_BYTES_MAX: usize = 128;

const CUSTOMER_HINT: &str =
    "Citrix Cloud console > Identity and Access Management > API Access shows the customer id";

const CLIENT_HINT: &str = "Citrix Cloud console > Identity and Access Management > API Access > Service \
     principals (or Secure clients) shows the client id";
