//! The list `[[warm]]`.

use std::collections::BTreeMap;

use config::Value;
use jiff::tz::TimeZone;

use super::reader::{Noted, Read, Reader};
use super::table::Table;
use crate::config::Warm;
use crate::config::problem::Problem;
use crate::odata::deny::DenyList;
use crate::odata::name::SiteId;
use crate::odata::question::{QUESTION_BYTES_MAX, Question, Resource};
use crate::schedule::Schedule;

/// `sites` are those that are configured, whatever may be wrong with them; `deny` is what is not offered, if that can
/// be told.
pub(super) fn check(
    reader: &mut Reader<'_>,
    sites: &BTreeMap<String, String>,
    deny: Option<&DenyList>,
) -> Read<Vec<Warm>> {
    let tables = Table::all(reader, "warm", HINT)?;
    let read: Vec<Read<Warm>> = tables
        .into_iter()
        .map(|table| one(reader, &table?, sites, deny))
        .collect();
    read.into_iter().collect()
}

fn one(
    reader: &mut Reader<'_>,
    table: &Table<'_>,
    sites: &BTreeMap<String, String>,
    deny: Option<&DenyList>,
) -> Read<Warm> {
    let site = site(reader, table, sites);
    let question = question(reader, table, deny);
    let schedule = schedule(reader, table);
    Ok(Warm {
        site: site?,
        question: question?,
        schedule: schedule?,
    })
}

fn site(
    reader: &mut Reader<'_>,
    table: &Table<'_>,
    sites: &BTreeMap<String, String>,
) -> Read<SiteId> {
    let mut names = sites.keys();
    let id = match (table.part("site"), names.next(), names.next()) {
        // That there is none is noted already.
        (_, None, _) => return Err(Noted),
        (Some((name, value)), ..) => {
            let id = reader.text_of(&name, value)?;
            if !sites.contains_key(&id) {
                let problem = Problem::new(name, format!("there is no site `{id}`"));
                return reader.note(problem.from(value.origin()).hint(known(sites)));
            }
            id
        }
        (None, Some(only), None) => only.clone(),
        (None, ..) if sites.contains_key(MAIN) => MAIN.to_owned(),
        (None, ..) => {
            let what = "there are several sites, and none is called `main`";
            return table.refuse(reader, what, &known(sites));
        }
    };
    // That a name is none for a site is noted with the site.
    SiteId::new(&id).ok_or(Noted)
}

fn known(sites: &BTreeMap<String, String>) -> String {
    let sites: Vec<&str> = sites.keys().map(String::as_str).collect();
    format!("set site to one of: {}", sites.join(", "))
}

/// The question is not shown when it is wrong: there may be people's names in it.
fn question(reader: &mut Reader<'_>, table: &Table<'_>, deny: Option<&DenyList>) -> Read<Question> {
    let Some((name, value)) = table.part("question") else {
        return table.refuse(reader, "there is no question", QUESTION_HINT);
    };
    let text = reader.text_of(&name, value)?;
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text.as_str(), None),
    };
    let read = match Question::parse(path, query) {
        _ if text.len() > QUESTION_BYTES_MAX => {
            Err(format!("this is longer than {QUESTION_BYTES_MAX} bytes"))
        }
        Err(error) => Err(error.to_string()),
        Ok(question) => match question.set() {
            Some(set) if deny.is_some_and(|deny| deny.denies(set.as_str())) => {
                Err(format!("`{set}` is not offered, because of `sets.deny`"))
            }
            None if *question.resource() != Resource::Metadata => {
                Err("this names no entity set".to_owned())
            }
            _ => Ok(question),
        },
    };
    read.or_else(|what| {
        let problem = Problem::new(name, what).from(value.origin());
        reader.note(problem.hint(QUESTION_HINT))
    })
}

fn schedule(reader: &mut Reader<'_>, table: &Table<'_>) -> Read<Schedule> {
    let zone = table.part("time_zone");
    match (table.part("every"), table.part("cron"), zone) {
        (None, None, _) => table.refuse(reader, "it is not said when", WHEN_HINT),
        (Some(_), Some(_), _) => table.refuse(
            reader,
            "`every` and `cron` are both set",
            "keep one of the two",
        ),
        (Some(_), None, Some((name, value))) => {
            let problem = Problem::new(name, "a period has no time zone").from(value.origin());
            reader.note(problem.hint("remove it, or set `cron` in place of `every`"))
        }
        (Some((name, value)), None, None) => reader.duration_of(&name, value).map(Schedule::every),
        (None, Some((name, value)), zone) => {
            let zone = zone.map_or(Ok(TimeZone::UTC), |(name, value)| {
                time_zone(reader, name, value)
            });
            let expression = reader.text_of(&name, value)?;
            // In any zone, to say all that is wrong.
            let any = zone.clone().unwrap_or(TimeZone::UTC);
            let schedule = Schedule::cron(&expression, any).or_else(|error| {
                let problem = Problem::new(name, error.to_string()).from(value.origin());
                reader.note(problem.hint(CRON_HINT))
            });
            zone.and(schedule)
        }
    }
}

fn time_zone(reader: &mut Reader<'_>, name: String, value: &Value) -> Read<TimeZone> {
    let zone = reader.text_of(&name, value)?;
    TimeZone::get(&zone).or_else(|_| {
        let problem = Problem::new(name, format!("`{zone}` is no time zone"));
        reader.note(problem.from(value.origin()).hint(ZONE_HINT))
    })
}

/// The site that is meant where several could be.
const MAIN: &str = "main";

const HINT: &str =
    "write a section [[warm]] with question = \"Sessions\" and every = \"1h\" below it";

const QUESTION_HINT: &str = "write what stands behind /monitorodata/ in the address that clients ask for: \
     \"Sessions\", \"Users?$select=Id,UserName\", \"$metadata\"";

const WHEN_HINT: &str = "set every = \"1h\", or cron = \"0 6 * * 1-5\" and time_zone";

const CRON_HINT: &str = "write minute, hour, day of the month, month and day of the week: \"0 6 * * 1-5\" is six \
     o'clock from Monday to Friday";

const ZONE_HINT: &str = "write its name as in the IANA database, like \"Europe/Berlin\" or \"UTC\"";
