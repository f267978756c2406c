//! The sections `[cache]`, `[[cache.rules]]` and `[sets]`.

use std::time::Duration;

use config::{Value, ValueKind};

use super::globs::globs;
use super::reader::{Read, Reader};
use crate::config::problem::Problem;
use crate::config::{Cache, Rule, Sets};

pub(super) fn check(reader: &mut Reader<'_>) -> Read<Cache> {
    let memory = reader.size("cache.memory");
    let spool = reader.size("cache.spool");
    let disk = reader.size("cache.disk");
    let ttl = reader.duration("cache.ttl");
    let metadata_ttl = reader.duration("cache.metadata_ttl");
    let stale_while_revalidate = reader.duration("cache.stale_while_revalidate");
    let stale_if_error = reader.duration("cache.stale_if_error");
    let refresh_ahead = reader.switch("cache.refresh_ahead");
    let inherited = Ages {
        ttl: ttl.unwrap_or_default(),
        stale_while_revalidate: stale_while_revalidate.unwrap_or_default(),
        stale_if_error: stale_if_error.unwrap_or_default(),
    };
    let rules = rules(reader, &inherited);
    Ok(Cache {
        memory: memory?,
        spool: spool?,
        disk: disk?,
        ttl: ttl?,
        metadata_ttl: metadata_ttl?,
        stale_while_revalidate: stale_while_revalidate?,
        stale_if_error: stale_if_error?,
        refresh_ahead: refresh_ahead?,
        rules: rules?,
    })
}

pub(super) fn sets(reader: &mut Reader<'_>) -> Read<Sets> {
    let value = reader.value("sets.deny")?;
    let deny = globs(reader, "sets.deny", value)?;
    Ok(Sets { deny })
}

/// What a rule has when it does not say.
struct Ages {
    ttl: Duration,
    stale_while_revalidate: Duration,
    stale_if_error: Duration,
}

fn rules(reader: &mut Reader<'_>, inherited: &Ages) -> Read<Vec<Rule>> {
    let value = reader.value("cache.rules")?;
    let ValueKind::Array(values) = &value.kind else {
        return reader.refuse("cache.rules", "this must be a list of rules", RULE_HINT);
    };
    let read: Vec<Read<Rule>> = values
        .iter()
        .enumerate()
        .map(|(at, value)| rule(reader, &format!("cache.rules.{}", at + 1), value, inherited))
        .collect();
    read.into_iter().collect()
}

fn rule(reader: &mut Reader<'_>, name: &str, value: &Value, inherited: &Ages) -> Read<Rule> {
    let ValueKind::Table(table) = &value.kind else {
        let problem = Problem::new(name, "this must be a rule").from(value.origin());
        return reader.note(problem.hint(RULE_HINT));
    };
    let sets = match table.get("sets") {
        Some(sets) => globs(reader, &format!("{name}.sets"), sets),
        None => Ok(Vec::new()),
    };
    let sets = sets.and_then(|sets| {
        if !sets.is_empty() {
            return Ok(sets);
        }
        let problem = Problem::new(name, "the rule names no entity sets");
        reader.note(problem.from(value.origin()).hint(RULE_HINT))
    });
    let mut age = |part: &str, inherited: Duration| match table.get(part) {
        Some(value) => reader.duration_of(&format!("{name}.{part}"), value),
        None => Ok(inherited),
    };
    let ttl = age("ttl", inherited.ttl);
    let stale_while_revalidate = age("stale_while_revalidate", inherited.stale_while_revalidate);
    let stale_if_error = age("stale_if_error", inherited.stale_if_error);
    Ok(Rule {
        sets: sets?,
        ttl: ttl?,
        stale_while_revalidate: stale_while_revalidate?,
        stale_if_error: stale_if_error?,
    })
}

const RULE_HINT: &str =
    "write a section [[cache.rules]] with sets = [\"Sessions\"] and ttl = \"10m\" below it";
