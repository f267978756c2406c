//! What the operator decided.
//!
//! A [`Config`] is valid by construction: [`load()`] reads defaults, file, environment and flags, in that order,
//! each over the one before, and either returns one or says everything that is wrong. This room knows the
//! names of all settings and their defaults; no other room knows this one.
//!
//! INVARIANT: a secret leaves this room only as a [`SecretString`]; problems, reports and `Debug` never show one.

mod keys;
mod rules;

mod raw;
mod text;
mod units;

mod environment;
mod file;
mod flags;
mod load;

mod check;
mod flaw;
mod secret;

mod problem;
mod report;

#[cfg(test)]
mod documented;
#[cfg(test)]
mod example;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::odata::name::SiteId;
use crate::odata::question::Question;
use crate::schedule::Schedule;
use crate::telemetry::{Color, Format, LogFiles};

pub(crate) use check::is_key_name;
pub use flags::{Flags, GivenSite};
pub use flaw::flaw;
pub use load::{Loaded, Surroundings, api_clients, load, log, server};
pub use problem::{ConfigError, Problem};
pub use report::{Report, quote};
pub use secret::{ApiClient, SecretSource, client_secret};

/// What the operator decided.
#[derive(Debug, Clone)]
pub struct Config {
    /// How clients reach us.
    pub server: Server,
    /// Where the data comes from: one or more.
    pub sites: BTreeMap<SiteId, Site>,
    /// How long and how much is remembered.
    pub cache: Cache,
    /// What is asked for before clients do.
    pub warm: Vec<Warm>,
    /// Which entity sets are offered.
    pub sets: Sets,
    /// How large collections are read.
    pub scans: Scans,
    /// What is logged.
    pub log: Log,
    /// Where files of our own are kept; absolute, and not necessarily there yet.
    pub data_dir: PathBuf,
}

/// How clients reach us.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where to listen: one or more addresses, none twice. Others than loopback ones are there only where access and
    /// encryption are settled.
    pub listen: Vec<SocketAddr>,
    /// Host names that clients may use besides `localhost`, `127.0.0.1`, `[::1]` and the listen addresses;
    /// lower case, without a port.
    pub allowed_hosts: Vec<String>,
    /// The address that clients see when something in front of us changes it: http or https, without
    /// query, `/monitorodata` and a slash at the end of its path.
    pub public_url: Option<Url>,
    /// Who may ask; anybody when there is none.
    pub keys: Vec<AccessKey>,
    /// The certificate, when clients speak TLS.
    pub tls: Option<Tls>,
    /// Origins whose pages may read answers, as browsers write them.
    pub cors_origins: Vec<String>,
    /// How much clients may take.
    pub limits: Limits,
    /// How long requests may go on after the order to stop.
    pub drain: Duration,
}

impl Server {
    /// Whether something in front of us answers for us to other machines: the public address is not this machine's.
    pub fn is_published(&self) -> bool {
        let public_url = self.public_url.as_ref();
        public_url.is_some_and(|url| !check::is_loopback(url))
    }
}

/// A key by which clients may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// What it is called; unique.
    pub name: String,
    /// The SHA-256 of the key, which itself is nowhere.
    pub sha256: [u8; 32],
    /// The sites that it is for, one or more of those configured; `None` is all, and the operator's paths.
    pub sites: Option<Vec<SiteId>>,
}

/// Where the server's certificate is; both files in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The certificate, and those of the authorities between it and the root.
    pub certificate_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
}

/// How much clients may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time.
    pub connections: NonZeroUsize,
    /// The same of one address of another machine; a quarter of them when it is not set.
    pub connections_per_address: NonZeroUsize,
    /// Bytes of a request's head: 8 KiB to 1 MiB.
    pub header_bytes: u32,
    /// Requests in a second of one client of another machine; `None`: any number.
    pub requests_per_second: Option<NonZeroU32>,
}

/// A customer's data, and who we are there.
#[derive(Debug, Clone)]
pub struct Site {
    /// What kind of service it is.
    pub profile: Profile,
    /// The cloud region.
    pub region: Region,
    /// Scheme, host and port of the service, for tokens and data alike; the path is `/`.
    pub endpoint: Url,
    /// The customer; safe as a header value and as a path segment.
    pub customer_id: String,
    /// The API client; safe as a header value.
    pub client_id: String,
    /// The API client's secret; not empty.
    pub client_secret: SecretString,
    /// Where that was found.
    pub client_secret_source: SecretSource,
    /// Which form the token endpoint's path has.
    pub token_path: TokenPath,
    /// How upstream is asked.
    pub upstream: Upstream,
}

/// What kind of service a site is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// The Monitor Service of Citrix DaaS.
    CitrixCloud,
}

/// A region of Citrix Cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Region {
    /// United States.
    Us,
    /// European Union.
    Eu,
    /// Asia Pacific South.
    ApS,
    /// Japan.
    Jp,
}

/// Which form the token endpoint's path has. Citrix documents both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenPath {
    /// `/cctrustoauth2/{customer}/tokens/clients`
    Customer,
    /// `/cctrustoauth2/root/tokens/clients`
    Root,
}

/// How upstream is asked.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// Queries in flight per customer.
    pub concurrency: NonZeroUsize,
    /// How long one page may take.
    pub page_timeout: Duration,
    /// How long one answer may go on waiting for a struggling upstream.
    pub retry_budget: Duration,
    /// How many requests may wait.
    pub queue_limit: usize,
}

/// How long and how much is remembered.
#[derive(Debug, Clone)]
pub struct Cache {
    /// Bytes of memory for stored answers.
    pub memory: u64,
    /// Bytes of disk for answers that are too large for memory while they are being made; 0: none.
    pub spool: u64,
    /// Bytes of disk for stored answers.
    pub disk: u64,
    /// How long an answer is fresh when no rule says otherwise.
    pub ttl: Duration,
    /// The same for the service document and `$metadata`.
    pub metadata_ttl: Duration,
    /// How long after its fresh time it is still served at once while one refresh runs.
    pub stale_while_revalidate: Duration,
    /// How long after its fresh time it is served when upstream fails.
    pub stale_if_error: Duration,
    /// Whether an answer that clients ask for again and again is refreshed shortly before it is stale.
    pub refresh_ahead: bool,
    /// Exceptions for some entity sets; the first that matches counts.
    pub rules: Vec<Rule>,
}

/// An exception for some entity sets. What the operator left out has the cache's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Globs over names of entity sets: one or more, each valid.
    pub sets: Vec<String>,
    /// How long an answer is fresh.
    pub ttl: Duration,
    /// How long after its fresh time it is still served at once while one refresh runs.
    pub stale_while_revalidate: Duration,
    /// How long after its fresh time it is served when upstream fails.
    pub stale_if_error: Duration,
}

/// A question that is asked by a schedule, so that its answer is there when a client wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warm {
    /// Whose data: one of the configured sites.
    pub site: SiteId,
    /// What is asked: it names an entity set that is offered, or `$metadata`.
    pub question: Question,
    /// When.
    pub schedule: Schedule,
}

/// Which entity sets are offered.
#[derive(Debug, Clone)]
pub struct Sets {
    /// Globs over names of entity sets that are not offered, each valid.
    pub deny: Vec<String>,
}

/// How large collections are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scans {
    /// Whether ranges of a date column may take the place of upstream's links.
    pub range_walk: bool,
    /// Set and date column, over the known ones; identifiers, and no set twice.
    pub range_columns: Vec<(String, String)>,
    /// Globs over names of entity sets that are never read so, each valid.
    pub range_never: Vec<String>,
}

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// A valid filter in the syntax of `RUST_LOG`.
    pub filter: String,
    /// Text or JSON lines.
    pub format: Format,
    /// Whether text may be coloured: not when `NO_COLOR` is set.
    pub color: Color,
    /// Files for the lines, in place of standard error.
    pub files: Option<LogFiles>,
    /// Where traces go: the collector's address with its path. Only in a program that can send them.
    pub traces: Option<Url>,
}
