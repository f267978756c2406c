//! The steps. Each builds on those before it, except for the clock, which may be wrong and all else work.

use std::time::Duration;

use bytes::Bytes;
use http::header::DATE;
use http::{HeaderMap, Request};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::remedy::{Finding, PROXY_LOG_ON, of_fetch, of_token, of_transport};
use super::{CheckTarget, Origin, Outcome, Report, Step};
use crate::auth::AuthState;
use crate::clock::Clock;
use crate::transport::{Transport, TransportFault};
use crate::upstream::{
    Awaited, BadResponse, Class, Party, Query, RetryBudget, Turn, Upstream, Visit,
};

/// Checks a site: settings and proxy (which are only told), name resolution, connection, clock, token, service document,
/// `$metadata`, one row. After a failed step those that build on it are skipped. Each is handed to `tell` as soon as it
/// is done. Takes a minute or two at most when nothing answers.
pub async fn run(
    target: &CheckTarget,
    upstream: &Upstream,
    transport: &dyn Transport,
    clock: &dyn Clock,
    tell: &mut dyn FnMut(&Step),
) -> Report {
    let mut steps = Steps {
        done: Vec::new(),
        failed: None,
        tell,
    };
    steps.tell(SETTINGS, settings(target));
    steps.tell(PROXY, proxy(target));
    steps.take(DNS, dns(target)).await;
    let head = steps.take(CONNECTION, connection(target, transport)).await;
    if let Some(head) = &head {
        steps
            .take_aside(CLOCK, async { clock_skew(head, clock) })
            .await;
    } else {
        steps.skip(CLOCK);
    }
    steps.take(TOKEN, token(upstream)).await;
    let sets = steps.take(SERVICE_DOCUMENT, sets(upstream)).await;
    steps.take(METADATA, metadata(upstream)).await;
    let set = sets.and_then(choose);
    steps.take(ONE_ROW, one_row(upstream, set)).await;
    Report {
        site: target.site.clone(),
        steps: steps.done,
    }
}

/// What a step found: something for people and something for later steps.
type Found<T> = Result<(String, T), Finding>;

struct Steps<'a> {
    done: Vec<Step>,
    failed: Option<&'static str>,
    tell: &'a mut dyn FnMut(&Step),
}

impl Steps<'_> {
    /// Takes a step, unless an earlier one failed.
    async fn take<T>(
        &mut self,
        name: &'static str,
        work: impl Future<Output = Found<T>>,
    ) -> Option<T> {
        if self.failed.is_some() {
            self.skip(name);
            return None;
        }
        let value = self.take_aside(name, work).await;
        if value.is_none() {
            self.failed = Some(name);
        }
        value
    }

    /// Takes a step that no other builds on.
    async fn take_aside<T>(
        &mut self,
        name: &'static str,
        work: impl Future<Output = Found<T>>,
    ) -> Option<T> {
        let began = Instant::now();
        let found = work.await;
        let mut step = Step {
            name,
            outcome: Outcome::Ok,
            detail: String::new(),
            remedy: None,
            suspect: None,
            elapsed: began.elapsed(),
        };
        let value = match found {
            Ok((detail, value)) => {
                step.detail = detail;
                Some(value)
            }
            Err(finding) => {
                step.outcome = Outcome::Failed;
                step.detail = finding.detail;
                step.remedy = Some(finding.remedy);
                step.suspect = finding.suspect;
                None
            }
        };
        self.note(step);
        value
    }

    fn note(&mut self, step: Step) {
        (self.tell)(&step);
        self.done.push(step);
    }

    /// Notes a step that cannot fail.
    fn tell(&mut self, name: &'static str, detail: String) {
        self.note(Step {
            name,
            outcome: Outcome::Ok,
            detail,
            remedy: None,
            suspect: None,
            elapsed: Duration::ZERO,
        });
    }

    fn skip(&mut self, name: &'static str) {
        let failed = self.failed.unwrap_or_default();
        self.note(Step {
            name,
            outcome: Outcome::Skipped,
            detail: format!("not tried, because {failed} failed"),
            remedy: None,
            suspect: None,
            elapsed: Duration::ZERO,
        });
    }
}

/// Settings that cannot be used have ended the program before: here it says which they are.
fn settings(target: &CheckTarget) -> String {
    match &target.settings {
        Origin::File(file) => format!("read from {}", file.display()),
        Origin::Environment => "read from the environment; there is no settings file".to_owned(),
        Origin::Answers => "as you answered; nothing is written yet".to_owned(),
    }
}

fn proxy(target: &CheckTarget) -> String {
    match &target.proxy {
        Some(proxy) => proxy.clone(),
        None => "none; connections go straight to the service".to_owned(),
    }
}

async fn dns(target: &CheckTarget) -> Found<()> {
    if let Some(proxy) = &target.proxy {
        let detail = format!("left to the proxy {proxy}");
        return Ok((detail, ()));
    }
    let mut found = Vec::new();
    for host in hosts(target) {
        found.push(resolve(host).await?);
    }
    Ok((found.join(", "), ()))
}

/// The hosts of data and token; usually one.
fn hosts(target: &CheckTarget) -> Vec<&str> {
    let mut hosts: Vec<_> = [&target.endpoint, &target.token_url]
        .into_iter()
        .filter_map(Url::host_str)
        .collect();
    hosts.dedup();
    hosts
}

async fn resolve(host: &str) -> Result<String, Finding> {
    // A URL writes an IPv6 address in brackets.
    let name = host.trim_matches(['[', ']']);
    let unknown = |cause: String| {
        Finding::new(
            format!("{host} could not be resolved: {cause}"),
            TransportFault::Dns.hint(),
        )
    };
    let lookup = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((name, 443))).await;
    let addresses = lookup
        .map_err(|_| unknown("no answer".to_owned()))?
        .map_err(|error| unknown(error.to_string()))?;
    let addresses: Vec<_> = addresses
        .take(ADDRESSES_SHOWN_MAX)
        .map(|address| address.ip().to_string())
        .collect();
    Ok(format!("{host} is {}", addresses.join(" and ")))
}

/// Any answer to a request without credentials will do.
async fn connection(target: &CheckTarget, transport: &dyn Transport) -> Found<HeaderMap> {
    let request = Request::get(target.endpoint.as_str())
        .body(Bytes::new())
        .map_err(|error| Finding::new(error.to_string(), "Check the endpoint."))?;
    let response = tokio::time::timeout(PATIENCE, transport.send(request))
        .await
        .map_err(|_| {
            let waited = humantime::format_duration(PATIENCE);
            let hint = TransportFault::Connect.hint();
            Finding::new(format!("no answer within {waited}"), hint)
        })?
        .map_err(|error| of_transport(&error))?;
    let status = response.status().as_u16();
    if status == 407 {
        return Err(Finding::new("the proxy answered with 407", PROXY_LOG_ON));
    }
    let origin = target.endpoint.origin().ascii_serialization();
    let way = target
        .proxy
        .as_ref()
        .map_or_else(String::new, |proxy| format!(" through the proxy {proxy}"));
    Ok((format!("{origin} answers{way}"), response.headers().clone()))
}

fn clock_skew(head: &HeaderMap, clock: &dyn Clock) -> Found<()> {
    let date = head.get(DATE).and_then(|value| value.to_str().ok());
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    let Some(theirs) = date.and_then(|date| parser.parse_timestamp(date).ok()) else {
        return Ok(("the service does not say what time it is".to_owned(), ()));
    };
    let skew = clock.now().duration_since(theirs);
    let seconds = skew.as_secs();
    let way = if seconds < 0 { "behind" } else { "ahead of" };
    let detail = format!("{} s {way} the service", seconds.unsigned_abs());
    if seconds.unsigned_abs() > SKEW_MAX.as_secs() {
        let remedy = "Set this machine's clock, or turn on its synchronisation: certificates and tokens depend on it.";
        return Err(Finding::new(detail, remedy));
    }
    Ok((detail, ()))
}

async fn token(upstream: &Upstream) -> Found<()> {
    let authorizer = upstream.authorizer();
    if let Err(error) = authorizer.credentials().await {
        return Err(of_token(&error));
    }
    let detail = match authorizer.state() {
        AuthState::Valid { remaining } => {
            format!("a token for the next {} minutes", remaining.as_secs() / 60)
        }
        AuthState::None | AuthState::Failed { .. } => "a token".to_owned(),
    };
    Ok((detail, ()))
}

async fn sets(upstream: &Upstream) -> Found<Vec<String>> {
    let parse = |body: Bytes| {
        let document = json(&body)?;
        let sets = document.get("value").and_then(Value::as_array);
        let sets = sets.ok_or_else(|| malformed("no member `value`"))?;
        Ok(sets.iter().filter_map(set_name).collect::<Vec<_>>())
    };
    let sets = ask(upstream, "", JSON, parse).await?;
    Ok((format!("{} entity sets", sets.len()), sets))
}

/// The name of an entity set; functions and singletons have another `kind`.
fn set_name(element: &Value) -> Option<String> {
    let kind = element.get("kind").and_then(Value::as_str);
    if kind.is_some_and(|kind| kind != "EntitySet") {
        return None;
    }
    let name = element.get("url").or_else(|| element.get("name"))?;
    name.as_str().map(str::to_owned)
}

async fn metadata(upstream: &Upstream) -> Found<()> {
    let parse = |body: Bytes| {
        if memchr::memmem::find(&body, b"Edmx").is_some() {
            Ok(body.len())
        } else {
            Err(malformed("no element `Edmx`"))
        }
    };
    let length = ask(upstream, "/$metadata", "application/xml", parse).await?;
    Ok((format!("{length} bytes"), ()))
}

async fn one_row(upstream: &Upstream, set: Option<String>) -> Found<()> {
    let Some(set) = set else {
        return Err(Finding::new(
            "the service offers no entity sets",
            "Check the endpoint, and the role of the API client.",
        ));
    };
    let parse = |body: Bytes| {
        let page = json(&body)?;
        let rows = page.get("value").and_then(Value::as_array);
        rows.map(Vec::len)
            .ok_or_else(|| malformed("no member `value`"))
    };
    let rows = ask(upstream, &format!("/{set}?$top=1"), JSON, parse).await?;
    Ok((format!("{rows} of {set}"), ()))
}

/// `Machines` when there are any: every customer has some, and the query is cheap.
fn choose(sets: Vec<String>) -> Option<String> {
    if sets.iter().any(|set| set == "Machines") {
        return Some("Machines".to_owned());
    }
    sets.into_iter().next()
}

async fn ask<T: Send + 'static>(
    upstream: &Upstream,
    target: &str,
    accept: &str,
    parse: impl Fn(Bytes) -> Result<T, BadResponse> + Send + Sync + 'static,
) -> Result<T, Finding> {
    let mut budget = RetryBudget::new(PATIENCE);
    let query = Query {
        target,
        accept,
        visit: Visit {
            class: Class::Interactive,
            awaited: Awaited::always(),
            turn: Turn::First,
            party: Party::default(),
            what: "check".into(),
        },
        divisible: false,
    };
    let answer = upstream.fetch_checked(query, &mut budget, parse);
    let checked = answer.await.map_err(|error| of_fetch(&error))?;
    Ok(checked.content)
}

fn json(body: &[u8]) -> Result<Value, BadResponse> {
    serde_json::from_slice(body).map_err(|error| malformed(&error.to_string()))
}

fn malformed(reason: &str) -> BadResponse {
    BadResponse::Malformed {
        reason: reason.to_owned(),
    }
}

const SETTINGS: &str = "settings";
const PROXY: &str = "proxy";
const DNS: &str = "dns";
const CONNECTION: &str = "connection";
const CLOCK: &str = "clock";
const TOKEN: &str = "token";
const SERVICE_DOCUMENT: &str = "service document";
const METADATA: &str = "$metadata";
const ONE_ROW: &str = "one row";

const JSON: &str = "application/json";

const ADDRESSES_SHOWN_MAX: usize = 2;

/// For an answer at all, and for retries.
const PATIENCE: Duration = Duration::from_secs(20);

/// Beyond that, signed requests and certificates begin to fail elsewhere too.
const SKEW_MAX: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests;
