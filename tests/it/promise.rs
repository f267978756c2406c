//! Whatever is asked in whatever order, while upstream fails and recovers: no answer is older than the operator and the
//! client allow, and none lacks rows.

use std::time::Duration;

use citrix_odata_proxy::demo::Knobs;
use http::Method;
use tokio::time::{Instant, sleep};

use crate::world::{Answer, Received, World, small};

const FRESH: u64 = 60;
const WHILE_REVALIDATE: u64 = 120;
const IF_ERROR: u64 = 600;

const SETTINGS: &str = "
cache.ttl = '60s'
cache.stale_while_revalidate = '120s'
cache.stale_if_error = '600s'
cache.rules = []
sites.main.upstream.retry_budget = '20s'
sites.main.upstream.page_timeout = '5s'
";

const PATH: &str = "/monitorodata/Sessions";

/// What may happen to the requests from now on; the empty one is that all is well.
const FAULTS: [&str; 8] = [
    "",
    "",
    "kind=throttled",
    "kind=status,status=503,retry-after=40",
    "kind=hang",
    "kind=forbidden",
    "page=3,kind=malformed",
    "kind=slow,seconds=2",
];

/// A number from 0 to below `end`; the same seed gives the same numbers.
fn dice(seed: &mut u64, end: u64) -> u64 {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % end
}

/// What a client adds to the operator's rule.
#[derive(Debug, Default)]
struct Wants {
    no_cache: bool,
    no_store: bool,
    only_if_cached: bool,
    max_age: Option<u64>,
    max_stale: Option<u64>,
    min_fresh: Option<u64>,
}

impl Wants {
    /// Two directives at most, and often none.
    fn any(seed: &mut u64) -> Self {
        let mut wants = Self::default();
        for _ in 0..dice(seed, 3) {
            let seconds = Some(dice(seed, 900));
            match dice(seed, 8) {
                0 => wants.no_cache = true,
                1 => wants.no_store = true,
                2 => wants.only_if_cached = true,
                3 => wants.max_age = seconds,
                4 => wants.max_stale = seconds,
                5 => wants.min_fresh = seconds.map(|seconds| seconds / 15),
                _ => {}
            }
        }
        wants
    }

    fn is_silent(&self) -> bool {
        let asks = self.no_cache || self.no_store || self.only_if_cached;
        let bounds = self.max_age.or(self.max_stale).or(self.min_fresh);
        !asks && bounds.is_none()
    }

    /// As a value of `Cache-Control`.
    fn header(&self) -> String {
        let mut directives = Vec::new();
        for (name, set) in [
            ("no-cache", self.no_cache),
            ("no-store", self.no_store),
            ("only-if-cached", self.only_if_cached),
        ] {
            directives.extend(set.then(|| name.to_owned()));
        }
        for (name, seconds) in [
            ("max-age", self.max_age),
            ("max-stale", self.max_stale),
            ("min-fresh", self.min_fresh),
        ] {
            directives.extend(seconds.map(|seconds| format!("{name}={seconds}")));
        }
        directives.join(", ")
    }

    /// Whether a stored answer of this age may be given; `failed`: because no new one could be had, or
    /// none soon.
    fn allows(&self, age: u64, failed: bool) -> bool {
        let over = age.checked_sub(FRESH);
        let by_rule = match over {
            None => true,
            Some(over) if failed => {
                over < IF_ERROR || self.max_stale.is_some_and(|max| over <= max)
            }
            Some(over) => over < WHILE_REVALIDATE || self.max_stale.is_some_and(|max| over <= max),
        };
        let fresh_enough = self.min_fresh.is_none_or(|min| age + min <= FRESH);
        let young_enough = self.max_age.is_none_or(|max| age <= max);
        by_rule && fresh_enough && young_enough && !self.no_cache
    }
}

/// What has become of one world so far.
struct Watch {
    world: World,
    truth: Vec<String>,
    began: Instant,
    /// When somebody asked.
    asked_at: Vec<Duration>,
    /// When the newest answer was asked for that is known to be stored.
    newest: Option<Duration>,
    stale: usize,
    errors: usize,
}

impl Watch {
    async fn new() -> Self {
        let knobs = Knobs {
            sessions: 45,
            page_size: 10,
            ..small()
        };
        let world = World::new(knobs, SETTINGS);
        Self {
            truth: world.rows_of("/Sessions").await,
            began: Instant::now(),
            asked_at: Vec::new(),
            newest: None,
            stale: 0,
            errors: 0,
            world,
        }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    async fn ask(&mut self, wants: &Wants) {
        let asked_at = self.now();
        self.asked_at.push(asked_at);
        let header = wants.header();
        let headers = [("cache-control", header.as_str())];
        let answer = self.world.request(Method::GET, PATH, &headers).await;
        self.judge(wants, asked_at, &answer);
    }

    fn judge(&mut self, wants: &Wants, asked_at: Duration, answer: &Answer) {
        let name = format!("{wants:?} at {asked_at:?}: {:?}", answer.headers);
        let said = answer.header("cache-status");
        if matches!(answer.body, Received::Cut(_)) {
            assert!(!said.contains("; hit"), "{name}");
            self.errors += 1;
        } else if answer.status != 200 {
            self.failed(wants, &answer.error(), &name);
        } else {
            assert_eq!(answer.rows(), self.truth, "{name}");
            match answer.header("age").parse() {
                Ok(age) => self.stored(wants, age, said, &name),
                Err(_) => self.fetched(wants, asked_at, said, &name),
            }
        }
    }

    /// Whether somebody has asked ten seconds ago or more, and there is no newer answer yet.
    fn is_slow(&self) -> bool {
        let long_ago = self.now().checked_sub(Duration::from_secs(10));
        let mut asked_at = self.asked_at.iter().map(|at| Some(*at));
        asked_at.any(|at| at > self.newest && at <= long_ago)
    }

    fn stored(&mut self, wants: &Wants, age: u64, said: &str, name: &str) {
        let failed = said.contains("detail=stale-if-error/");
        assert!(wants.allows(age, failed || self.is_slow()), "{name}");
        // An age is told in whole seconds.
        let latest = self.now().saturating_sub(Duration::from_secs(age));
        let earliest = latest.saturating_sub(Duration::from_secs(1));
        let mut asked_at = self.asked_at.iter();
        let fetched_at = asked_at.find(|at| (earliest..=latest).contains(*at));
        assert!(fetched_at.is_some(), "nobody asked then: {name}");
        assert!(Some(latest) >= self.newest, "older than before: {name}");
        self.newest = self.newest.max(fetched_at.copied());
        self.stale += usize::from(age >= FRESH);
    }

    fn fetched(&mut self, wants: &Wants, asked_at: Duration, said: &str, name: &str) {
        assert!(!wants.only_if_cached, "{name}");
        assert_eq!(
            said.contains("; stored"),
            !wants.no_store && !said.contains("collapsed"),
            "{name}"
        );
        if said.contains("; stored") {
            self.newest = Some(asked_at);
        }
    }

    fn failed(&mut self, wants: &Wants, error: &str, name: &str) {
        self.errors += 1;
        assert_eq!(
            error == "504 NotStored",
            wants.only_if_cached,
            "{error}: {name}"
        );
        // Who says nothing hears no error as long as there is something to give.
        if let Some(newest) = self.newest.filter(|_| wants.is_silent()) {
            assert!(
                self.now().saturating_sub(newest).as_secs() >= FRESH + IF_ERROR,
                "{error}: {name}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_older_than_allowed_and_none_lacks_rows() {
    let (mut stale, mut errors) = (0, 0);
    for mut seed in 0..30 {
        let mut watch = Watch::new().await;
        for _ in 0..40 {
            let fault = match FAULTS[usize::try_from(dice(&mut seed, 8)).unwrap()] {
                "" => vec![],
                fault => vec![format!("{fault},times=always").parse().unwrap()],
            };
            watch.world.simulator.script(fault);
            for _ in 0..=dice(&mut seed, 3) {
                watch.ask(&Wants::any(&mut seed)).await;
                let seconds = [0, 1, 20, 70, 200, 500];
                let at = usize::try_from(dice(&mut seed, 6)).unwrap();
                sleep(Duration::from_secs(seconds[at])).await;
            }
        }
        stale += watch.stale;
        errors += watch.errors;
        // What is being made has its time.
        sleep(Duration::from_mins(10)).await;
    }
    assert!(
        stale > 100 && errors > 100,
        "{stale} stale, {errors} errors"
    );
}
