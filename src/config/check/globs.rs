//! Lists of globs over names of entity sets.

use config::Value;
use globset::Glob;

use super::reader::{Noted, Read, Reader};
use crate::config::problem::Problem;

/// The globs of `value`, of which `name` is the place; each is valid.
pub(super) fn globs(reader: &mut Reader<'_>, name: &str, value: &Value) -> Read<Vec<String>> {
    let globs = reader.list_of(name, value)?;
    let mut sound = true;
    for glob in &globs {
        if Glob::new(glob).is_err() {
            let what = format!("`{glob}` is not a pattern for names");
            let problem = Problem::new(name, what).from(value.origin());
            sound = reader.note(problem.hint(GLOB_HINT)).unwrap_or(false);
        }
    }
    sound.then_some(globs).ok_or(Noted)
}

const GLOB_HINT: &str =
    "write the name of an entity set; `*` stands for any letters, `?` for one: \"*Summaries\"";
