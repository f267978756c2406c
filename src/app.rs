//! The composition root: settings in, everything that answers requests out, built and not yet listening.
//!
//! The only file that knows all rooms on the way of a question, and the settings of each. Sockets, signals, commands
//! and the demo it does not know: they use what it builds.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Request;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use url::Url;
use xxhash_rust::xxh3::Xxh3;

use crate::auth::{self, Authorizer};
use crate::cache::{self, Cache, Lifetime};
use crate::clock::Clock;
use crate::config::{self, Config, TokenPath};
use crate::gateway::{Gateway, Lifetimes, RangeRules, Rule, Site};
use crate::journal::Journal;
use crate::odata::deny::{DenyList, DenyListError};
use crate::odata::name::SiteId;
use crate::tasks::Tasks;
use crate::transport::{Network, NetworkError, NetworkSettings, Transport};
use crate::upstream::{self, Lane, LaneSettings, Upstream};
use crate::warm::{self, Warm};
use crate::{admin, pages, web};

/// Everything that answers requests, built and not yet listening.
#[derive(Debug)]
pub struct App {
    service: web::Service,
    gateway: Gateway,
    warm: Warm,
    desk: admin::Desk,
    metrics: Arc<web::Metrics>,
}

/// Why the program cannot be built from its settings.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A glob in `cache.rules` or `scans.range_never`.
    #[error("a glob over entity sets cannot be read")]
    Glob(#[from] globset::Error),
    /// A glob in `sets.deny`.
    #[error("the deny list cannot be read")]
    DenyList(#[from] DenyListError),
    /// An address that cannot be put together.
    #[error("the endpoint of site `{site}` cannot be used")]
    Endpoint {
        /// The site.
        site: SiteId,
        /// Why.
        #[source]
        source: url::ParseError,
    },
}

impl App {
    /// Builds all rooms. `transport` is how upstream is reached: the network, or a simulator.
    pub fn new(
        config: &Config,
        transport: &Arc<dyn Transport>,
        clock: &Arc<dyn Clock>,
        tasks: &Tasks,
    ) -> Result<Self, BuildError> {
        let lanes = lanes(config);
        let deny = DenyList::new(&config.sets.deny)?;
        let ranges = ranges(&config.scans)?;
        let mut sites = Vec::new();
        for (id, site) in &config.sites {
            let upstream = upstream(id, site, &lanes, transport, clock, tasks)?;
            sites.push(Site::new(
                id.clone(),
                upstream,
                deny.clone(),
                site.upstream.retry_budget,
                ranges.clone(),
            ));
        }
        let settings = cache::Settings {
            memory: config.cache.memory,
            spool: spool(config),
            shelf: shelf(config),
        };
        let cache = Cache::new(settings, Arc::clone(clock), tasks.clone());
        let gateway = Gateway::new(sites, cache, lifetimes(&config.cache)?, Arc::clone(clock));
        let mut registry = Registry::default();
        let warm = Warm::new(
            warm(config),
            gateway.clone(),
            Arc::clone(clock),
            &mut registry,
        );
        let journal = Journal::new(Arc::clone(clock));
        let metrics = Arc::new(web::Metrics::new(&mut registry));
        let operator = admin::Settings {
            open_reasons: config.server.keys.is_empty(),
            registry: Arc::new(registry),
            clock: Arc::clone(clock),
            warm: warm.board(),
            journal: journal.clone(),
            tasks: tasks.clone(),
        };
        let desk = admin::Desk::new(Arc::new(gateway.clone()), operator);
        Ok(Self {
            service: surfaces(
                config,
                &gateway,
                &desk,
                clock,
                tasks,
                Arc::clone(&metrics),
                journal,
            ),
            metrics,
            gateway,
            warm,
            desk,
        })
    }

    /// Begins what is done before anybody asks, as `tasks`. To be called once, when clients can be answered.
    pub fn start(&self, tasks: &Tasks) {
        self.warm.start(tasks);
        self.desk.start(tasks);
    }

    /// Everything that is served.
    pub fn service(&self) -> &web::Service {
        &self.service
    }

    /// The counter of connections that are turned away, because their address has its share.
    pub fn refused_connections(&self) -> Counter {
        self.metrics.refused(web::Refusal::Connections)
    }

    /// The counter of requests whose head is too long to be read.
    pub fn refused_heads(&self) -> Counter {
        self.metrics.refused(web::Refusal::HeadTooLong)
    }

    /// The path from questions to answers.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }
}

/// How upstream is reached over the network.
pub fn network() -> Result<Arc<dyn Transport>, NetworkError> {
    let network = Network::new(NetworkSettings {
        user_agent: concat!("citrix-odata-proxy/", env!("CARGO_PKG_VERSION")).to_owned(),
        connect_timeout: CONNECT_TIMEOUT,
    })?;
    Ok(Arc::new(network))
}

/// One site's way to its service.
pub fn upstream(
    id: &SiteId,
    site: &config::Site,
    lanes: &Lanes,
    transport: &Arc<dyn Transport>,
    clock: &Arc<dyn Clock>,
    tasks: &Tasks,
) -> Result<Upstream, BuildError> {
    let endpoint = |source| BuildError::Endpoint {
        site: id.clone(),
        source,
    };
    let authorizer = Authorizer::new(
        auth::Settings {
            token_url: token_url(site).map_err(endpoint)?,
            customer_id: site.customer_id.clone(),
            client_id: site.client_id.clone(),
            client_secret: site.client_secret.clone(),
            timeout: TOKEN_TIMEOUT,
        },
        Arc::clone(transport),
        Arc::clone(clock),
        tasks,
    );
    let settings = upstream::Settings {
        service_root: site.endpoint.join("monitorodata").map_err(endpoint)?,
        page_timeout: site.upstream.page_timeout,
        page_bytes_max: PAGE_BYTES_MAX,
    };
    Ok(Upstream::new(
        settings,
        authorizer,
        lanes.of(site),
        Arc::clone(transport),
    ))
}

/// The lane of each customer: sites that share a customer share it, because upstream counts by customer.
#[derive(Debug)]
pub struct Lanes(BTreeMap<(String, String), Arc<Lane>>);

impl Lanes {
    fn of(&self, site: &config::Site) -> Arc<Lane> {
        let lane = self.0.get(&customer(site)).cloned();
        lane.unwrap_or_else(|| {
            Arc::new(lane_for(
                site.upstream.concurrency,
                site.upstream.queue_limit,
            ))
        })
    }
}

/// Lanes for the customers of all sites. Where two sites of one customer differ, the more careful setting
/// counts.
pub fn lanes(config: &Config) -> Lanes {
    let mut settings: BTreeMap<(String, String), (NonZeroUsize, usize)> = BTreeMap::new();
    for site in config.sites.values() {
        let wanted = (site.upstream.concurrency, site.upstream.queue_limit);
        let shared = settings.entry(customer(site)).or_insert(wanted);
        *shared = (shared.0.min(wanted.0), shared.1.min(wanted.1));
    }
    let lane = |(customer, (concurrency, queue_limit))| {
        (customer, Arc::new(lane_for(concurrency, queue_limit)))
    };
    Lanes(settings.into_iter().map(lane).collect())
}

fn customer(site: &config::Site) -> (String, String) {
    (
        site.endpoint.to_string(),
        site.customer_id.to_ascii_lowercase(),
    )
}

fn lane_for(concurrency: NonZeroUsize, queue_limit: usize) -> Lane {
    Lane::new(LaneSettings {
        concurrency,
        queue_limit,
    })
}

/// Where tokens come from. Citrix documents both forms of the path.
pub fn token_url(site: &config::Site) -> Result<Url, url::ParseError> {
    let customer = match site.token_path {
        TokenPath::Customer => site.customer_id.as_str(),
        TokenPath::Root => "root",
    };
    site.endpoint
        .join(&format!("cctrustoauth2/{customer}/tokens/clients"))
}

/// Where answers go on that memory has no room for; `None` when the operator gives them no space.
fn spool(config: &Config) -> Option<cache::SpoolFolder> {
    let bytes_max = config.cache.spool;
    (bytes_max > 0).then(|| cache::SpoolFolder {
        path: config.data_dir.join("spool"),
        bytes_max,
    })
}

/// Where stored answers are on disk; `None` when the operator gives them no space.
pub fn shelf(config: &Config) -> Option<cache::ShelfFolder> {
    let bytes_max = config.cache.disk;
    let realm = |(id, site): (&SiteId, &config::Site)| (id.clone(), realm(site, &config.sets));
    (bytes_max > 0).then(|| cache::ShelfFolder {
        path: config.data_dir.join("cache").join("answers"),
        bytes_max,
        realms: config.sites.iter().map(realm).collect(),
    })
}

/// What stored answers of a site depend on besides the question: who asks, because what a client id may see depends on
/// its role, and what is hidden, because it is cut out of `$metadata` before that is stored.
fn realm(site: &config::Site, sets: &config::Sets) -> cache::Realm {
    let mut digest = Xxh3::new();
    let (endpoint, customer) = customer(site);
    let mut add = |text: &str| {
        digest.update(&text.len().to_le_bytes());
        digest.update(text.as_bytes());
    };
    add(&endpoint);
    add(&customer);
    add(&site.client_id);
    for glob in &sets.deny {
        add(glob);
    }
    digest.digest128()
}

/// How long answers live, by the rules of the operator.
pub fn lifetimes(cache: &config::Cache) -> Result<Lifetimes, globset::Error> {
    let rule = |rule: &config::Rule| Rule {
        sets: rule.sets.clone(),
        lifetime: Lifetime {
            fresh: rule.ttl,
            while_revalidate: rule.stale_while_revalidate,
            if_error: rule.stale_if_error,
        },
    };
    let rules: Vec<Rule> = cache.rules.iter().map(rule).collect();
    let default = Lifetime {
        fresh: cache.ttl,
        while_revalidate: cache.stale_while_revalidate,
        if_error: cache.stale_if_error,
    };
    Lifetimes::new(cache.metadata_ttl, default, &rules)
}

fn ranges(scans: &config::Scans) -> Result<RangeRules, globset::Error> {
    if !scans.range_walk {
        return Ok(RangeRules::none());
    }
    RangeRules::new(&scans.range_columns, &scans.range_never)
}

/// What is asked before clients do.
fn warm(config: &Config) -> warm::Settings {
    let scheduled = |warm: &config::Warm| warm::Scheduled {
        site: warm.site.clone(),
        question: warm.question.clone(),
        schedule: warm.schedule.clone(),
    };
    warm::Settings {
        questions: config.warm.iter().map(scheduled).collect(),
        refresh_ahead: config.cache.refresh_ahead,
    }
}

/// Everything that is served.
fn surfaces(
    config: &Config,
    gateway: &Gateway,
    desk: &admin::Desk,
    clock: &Arc<dyn Clock>,
    tasks: &Tasks,
    metrics: Arc<web::Metrics>,
    journal: Journal,
) -> web::Service {
    let gateway = Arc::new(gateway.clone());
    let for_people = pages::Settings {
        public_url: config.server.public_url.clone(),
        clock: Arc::clone(clock),
        odata: Arc::new(Inside(web::inside(
            Arc::clone(&gateway),
            Arc::clone(&metrics),
            journal.clone(),
        ))),
        keys: !config.server.keys.is_empty(),
        tasks: tasks.clone(),
    };
    let operator = admin::router(desk.clone()).merge(pages::router(
        Arc::clone(&gateway),
        desk.clone(),
        for_people,
    ));
    let settings = web::Settings {
        listen: config.server.listen.clone(),
        allowed_hosts: config.server.allowed_hosts.clone(),
        public_url: config.server.public_url.clone(),
        tls: config.server.tls.is_some(),
        access: access(&config.server),
    };
    web::service(gateway, operator, settings, metrics, journal)
}

/// How pages ask: as a client would.
#[derive(Debug)]
struct Inside(web::Inside);

impl pages::Odata for Inside {
    fn answer(&self, site: SiteId, request: Request<()>) -> BoxFuture<'static, Response> {
        let inside = self.0.clone();
        async move { inside.answer(&site, request).await }.boxed()
    }
}

/// Who may ask.
fn access(server: &config::Server) -> web::AccessSettings {
    let key = |key: &config::AccessKey| web::AccessKey {
        name: key.name.clone(),
        sha256: key.sha256,
        sites: key.sites.clone(),
    };
    web::AccessSettings {
        keys: server.keys.iter().map(key).collect(),
        cors_origins: server.cors_origins.clone(),
        requests_per_second: server.limits.requests_per_second,
    }
}

/// How long a connection to upstream may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// How long the token endpoint may take to answer.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest upstream page that is read. A page of 1000 sessions has half a megabyte; heavy `$expand`s have
/// been seen with hundreds.
const PAGE_BYTES_MAX: usize = 512 * 1024 * 1024;
