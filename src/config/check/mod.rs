//! Raw settings → [`Config`], or everything that is wrong with them.

mod address;
mod cache;
mod globs;
mod keys;
mod log;
mod reach;
mod reader;
mod scans;
mod server;
mod site;
mod table;
mod warm;

use std::path::PathBuf;

pub(super) use self::address::is_loopback;
pub(crate) use self::keys::is_key_name;
pub(super) use self::reader::{Read, Reader};
use super::load::Surroundings;
use super::problem::Problem;
use super::raw::Raw;
use super::secret::ApiClient;
use super::{Config, Log, Server, Site};
use crate::odata::deny::DenyList;
use crate::odata::name::SiteId;

/// Checks everything, whatever is found on the way.
pub(super) fn check(
    raw: &Raw,
    surroundings: &Surroundings,
    problems: &mut Vec<Problem>,
) -> Read<Config> {
    let mut reader = Reader::new(raw, problems);
    let data_dir = data_dir(&mut reader, surroundings);
    let server = server::check(&mut reader, raw.sites());
    let sites: Vec<Read<(SiteId, Site)>> = raw
        .sites()
        .iter()
        .map(|(name, origin)| site::check(&mut reader, surroundings, name, origin))
        .collect();
    let cache = cache::check(&mut reader);
    let sets = cache::sets(&mut reader);
    let deny = sets.as_ref().ok();
    let deny = deny.and_then(|sets| DenyList::new(&sets.deny).ok());
    let warm = warm::check(&mut reader, raw.sites(), deny.as_ref());
    let scans = scans::check(&mut reader);
    let log = log::check(&mut reader, surroundings);
    Ok(Config {
        server: server?,
        sites: sites.into_iter().collect::<Read<_>>()?,
        cache: cache?,
        warm: warm?,
        sets: sets?,
        scans: scans?,
        log: log?,
        data_dir: data_dir?,
    })
}

/// Checks the API clients of all sites alone.
pub(super) fn api_clients(
    raw: &Raw,
    surroundings: &Surroundings,
    problems: &mut Vec<Problem>,
) -> Read<Vec<ApiClient>> {
    let mut reader = Reader::new(raw, problems);
    let clients: Vec<Read<ApiClient>> = raw
        .sites()
        .iter()
        .map(|(name, origin)| site::api_client(&mut reader, surroundings, name, origin))
        .collect();
    clients.into_iter().collect()
}

/// Checks the settings of the server alone.
pub(super) fn check_server(raw: &Raw, problems: &mut Vec<Problem>) -> Read<Server> {
    server::check(&mut Reader::new(raw, problems), raw.sites())
}

/// Checks the settings of the log alone.
pub(super) fn check_log(
    raw: &Raw,
    surroundings: &Surroundings,
    problems: &mut Vec<Problem>,
) -> Read<Log> {
    log::check(&mut Reader::new(raw, problems), surroundings)
}

fn data_dir(reader: &mut Reader<'_>, surroundings: &Surroundings) -> Read<PathBuf> {
    let path = reader.path("data_dir")?;
    Ok(match path {
        Some(path) => path,
        None => surroundings.data_folder.clone(),
    })
}
