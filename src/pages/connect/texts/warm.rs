//! A section for the settings file: what a report will ask for, asked in advance.

use crate::pages::connect::target::Target;

/// The whole set at five on working days, or key and date alone when they are known.
pub(in crate::pages::connect) fn section(target: &Target) -> String {
    let question = if target.set.key.is_empty() {
        target.set.name.clone()
    } else {
        format!("{}?$select={}", target.set.name, target.columns().join(","))
    };
    format!(
        "[[warm]]\n\
         site = {site}\n\
         question = {question}\n\
         cron = \"30 5 * * 1-5\"          # half an hour before the refresh\n\
         time_zone = \"Europe/Berlin\"\n",
        site = text(target.site.as_str()),
        question = text(&question),
    )
}

/// A basic string: JSON's are TOML's, too.
fn text(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::connect::tests::{target, without_date};

    #[test]
    fn a_section_is_read_as_it_was_meant() {
        for (target, expected) in [
            (target(), "Sessions?$select=SessionKey,StartDate"),
            (without_date(), "Users?$select=Id"),
        ] {
            let read: toml::Table = section(&target).parse().unwrap();
            assert_eq!(read["warm"][0]["question"].as_str(), Some(expected));
            assert_eq!(read["warm"][0]["site"].as_str(), Some("main"));
        }
    }
}
