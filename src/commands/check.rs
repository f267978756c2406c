//! `check`: does it work from here?

use std::process::ExitCode;

use super::{Failure, print};
use crate::app;
use crate::check::{self, CheckTarget, Origin, Report, Step};
use crate::clock::SystemClock;
use crate::config::{Config, Loaded, Site};
use crate::odata::name::SiteId;
use crate::tasks::Tasks;
use crate::transport::proxy_for;

/// Checks every site, step by step. Exit code 1 when a step failed.
pub(super) async fn check(loaded: &Loaded, json: bool) -> Result<ExitCode, Failure> {
    let origin = match &loaded.file {
        Some(file) => Origin::File(file.clone()),
        None => Origin::Environment,
    };
    let mut reports = Vec::new();
    for site in &loaded.config.sites {
        reports.push(check_site(&loaded.config, site, &origin, !json).await?);
    }
    if json {
        print(&check::to_json(&reports))?;
    }
    let ok = reports.iter().all(Report::ok);
    Ok(if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Checks one site of `config`, whose settings come from `origin`; `aloud`, with a line for each step as it is done.
pub(super) async fn check_site(
    config: &Config,
    (id, site): (&SiteId, &Site),
    origin: &Origin,
    aloud: bool,
) -> Result<Report, Failure> {
    let transport = app::network()?;
    let clock = SystemClock::shared();
    let tasks = Tasks::new();
    let lanes = app::lanes(config);
    let upstream = app::upstream(id, site, &lanes, &transport, &clock, &tasks)?;
    let target = CheckTarget {
        site: id.to_string(),
        settings: origin.clone(),
        endpoint: upstream.service_root().clone(),
        token_url: app::token_url(site).map_err(|source| app::BuildError::Endpoint {
            site: id.clone(),
            source,
        })?,
        proxy: proxy_for(upstream.service_root()),
    };
    let mut printed = Ok(());
    let mut tell = |step: &Step| {
        if aloud && printed.is_ok() {
            printed = print(&check::line(&target.site, step));
        }
    };
    let (transport, clock) = (transport.as_ref(), clock.as_ref());
    let report = check::run(&target, &upstream, transport, clock, &mut tell).await;
    printed?;
    Ok(report)
}
