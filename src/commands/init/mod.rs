//! `init`: from nothing to settings that work.
//!
//! Answers come from flags and, in a terminal, from a person ([`ask`]). They are tried out live, become a plan
//! ([`plan`], pure), and only then is anything written ([`write`](mod@write)).

mod answers;
mod ask;
mod plan;
mod rights;
mod write;

use std::io;
use std::process::ExitCode;

use self::answers::{Answers, Given, Place};
use self::ask::Trial;
use self::plan::Plan;
use self::rights::Rights;
use super::check::check_site;
use super::terminal::{Prompter, Terminal, first_line};
use super::{Failure, in_runtime, print};
use crate::check::{Origin, Report};
use crate::cli;
use crate::config::{self, Flags, GivenSite, Surroundings};
use crate::keystore::Keystore;
use crate::signals::Signals;

/// Asks, tries out, writes, and says what to do next.
pub(super) fn init(surroundings: &Surroundings, command: cli::Init) -> Result<ExitCode, Failure> {
    let (force, no_check) = (command.force, command.no_check);
    let terminal = Terminal::attended();
    let given = Given::from_flags(command, surroundings, terminal.is_some())?;
    let keystore = surroundings.keystore.as_ref();
    let mut trial = Live {
        surroundings,
        no_check,
    };
    let plan = if let Some(mut terminal) = terminal {
        let answers = ask::guide(&mut terminal, given, force, keystore, &mut trial)?;
        let mut plan = Plan::new(answers);
        carry_out_with(&mut terminal, &mut plan, keystore)?;
        plan
    } else {
        let plan = from_flags(given, force, keystore, &mut trial)?;
        carry_out(&plan, keystore)?;
        plan
    };
    let advice = plan.secret_file().map(|file| {
        let account = rights::account(surroundings);
        Rights::HERE.advice(&file, &account)
    });
    let is_found = surroundings.finds(&plan.answers.file);
    for line in plan.told(is_found, advice.unwrap_or_default()) {
        print(&line)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything from flags, and the secret from a file or standard input.
fn from_flags(
    given: Given,
    force: bool,
    keystore: &dyn Keystore,
    trial: &mut dyn Trial,
) -> Result<Plan, Failure> {
    let secret = match &given.secret {
        Some(secret) => secret.clone(),
        None => first_line(io::stdin().lock())?,
    };
    let place = match &given.place {
        Some(place) => place.clone(),
        None if keystore.read(given.client_id()).is_ok() => Place::Keystore,
        None => Place::File,
    };
    let plan = Plan::new(given.into_answers(secret, place));
    let occupied = plan.occupied();
    if !occupied.is_empty() && !force {
        return Err(Failure::Occupied(occupied));
    }
    match trial.run(&plan.answers)? {
        Some(report) if !report.ok() => Err(Failure::Unproven),
        _ => Ok(plan),
    }
}

/// Tries answers out at the service that they lead to.
struct Live<'a> {
    surroundings: &'a Surroundings,
    no_check: bool,
}

impl Trial for Live<'_> {
    fn run(&mut self, answers: &Answers) -> Result<Option<Report>, Failure> {
        if self.no_check {
            return Ok(None);
        }
        let flags = Flags {
            site: Some(GivenSite {
                name: answers.site.to_string(),
                region: answers.region.clone(),
                endpoint: answers.endpoint.clone().unwrap_or_default(),
                customer_id: answers.customer_id.clone(),
                client_id: answers.client_id.clone(),
                client_secret: answers.secret.clone(),
            }),
            ..Flags::default()
        };
        let config = config::load(self.surroundings, &flags)?.config;
        let report = in_runtime(async {
            let mut reports = Vec::new();
            for site in &config.sites {
                reports.push(check_site(&config, site, &Origin::Answers, true).await?);
            }
            Ok(reports)
        })?;
        Ok(report.into_iter().next())
    }
}

/// Writes everything; when the credential store fails, the secret goes where the person says instead.
fn carry_out_with(
    person: &mut dyn Prompter,
    plan: &mut Plan,
    keystore: &dyn Keystore,
) -> Result<(), Failure> {
    match carry_out(plan, keystore) {
        Err(Failure::Keystore(error)) => {
            plan.answers.place = ask::other_place(person, &error)?;
            let occupied = plan.secret_file().is_some_and(|path| path.exists());
            if occupied && !ask::may_replace(person, &plan.answers)? {
                return Err(Failure::Stopped);
            }
            carry_out(plan, keystore)
        }
        done => done,
    }
}

/// Writes the secret, then the settings that lead to it. Once files are being written, Ctrl-C waits until they are.
fn carry_out(plan: &Plan, keystore: &dyn Keystore) -> Result<(), Failure> {
    let Answers {
        client_id,
        secret,
        place,
        ..
    } = &plan.answers;
    if *place == Place::Keystore {
        keystore.write(client_id, secret)?;
    }
    in_runtime(async {
        let _later = Signals::listen().map_err(Failure::Runtime)?;
        if let Some(path) = plan.secret_file() {
            write::secret(&path, secret)?;
        }
        write::settings(&plan.answers.file, &plan.text())
    })
}

#[cfg(test)]
mod tests;
