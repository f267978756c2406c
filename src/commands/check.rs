//! `check`: does it work from here?

use std::process::ExitCode;

use super::{Failure, print};
use crate::app;
use crate::check::{self, CheckTarget};
use crate::clock::SystemClock;
use crate::config::Loaded;
use crate::tasks::Tasks;
use crate::transport::proxy_for;

/// Checks every site, step by step. Exit code 1 when a step failed.
pub(super) async fn check(loaded: &Loaded, json: bool) -> Result<ExitCode, Failure> {
    let transport = app::network()?;
    let clock = SystemClock::shared();
    let tasks = Tasks::new();
    let lanes = app::lanes(&loaded.config);
    let mut reports = Vec::new();
    for (id, site) in &loaded.config.sites {
        let upstream = app::upstream(id, site, &lanes, &transport, &clock, &tasks)?;
        let target = CheckTarget {
            site: id.to_string(),
            settings: loaded.file.clone(),
            endpoint: upstream.service_root().clone(),
            token_url: app::token_url(site).map_err(|source| app::BuildError::Endpoint {
                site: id.clone(),
                source,
            })?,
            proxy: proxy_for(upstream.service_root()),
        };
        let report = check::run(&target, &upstream, transport.as_ref(), clock.as_ref()).await;
        if !json {
            print(check::to_text(std::slice::from_ref(&report)).trim_end())?;
        }
        reports.push(report);
    }
    if json {
        print(&check::to_json(&reports))?;
    }
    let ok = reports.iter().all(check::Report::ok);
    Ok(if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
