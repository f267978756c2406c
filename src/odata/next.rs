//! Does a next link continue the walk that it came with? Pure.
//!
//! A link is only followed when it asks the same question from where the rows read so far end. Upstream repeats
//! the other query options in its links; a link that has lost the filter would bring rows that nobody asked for,
//! a link to another path another table's, a link that goes back rows twice, a link that jumps ahead would leave
//! rows out.
//!
//! A link must name the same set, keep every option that chooses rows or columns as it was and add none (one with a
//! `$skiptoken` may leave options out, because the token may stand for them), and its `$skip`, unless a token stands for that,
//! too, must be exactly where the rows read so far end. A jump ahead is allowed in two cases: over an empty page, and by a full
//! page from one that is shorter, because nobody knows whether upstream counts rows that it does not show. Each page must have
//! the first one's context, and no link may come twice. A link in a row is held in the same way to the options that the client
//! gave its `$expand`; one that has lost some of them is not followed: the rest is asked for in our own words.

use super::link::ServiceRoot;
use super::question::{Question, Resource};

/// How far a walk has come.
#[derive(Debug, Clone)]
pub struct Walk {
    asked: Question,
    /// Rows read so far.
    rows: u64,
    /// The most rows that a page of this walk has had.
    page_rows_max: u64,
}

/// What is wrong with a link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkFault {
    /// It goes back over rows that were read.
    #[error("it goes back over rows already read")]
    Back,
    /// It has lost an option that chooses rows.
    #[error("it has lost `{option}`")]
    Lost {
        /// The option.
        option: String,
    },
    /// It asks another question.
    #[error("{0}")]
    Foreign(String),
}

impl Walk {
    /// A walk through what `asked` finds.
    pub fn of(asked: Question) -> Self {
        Self {
            asked,
            rows: 0,
            page_rows_max: 0,
        }
    }

    /// The question at its beginning.
    pub fn asked(&self) -> &Question {
        &self.asked
    }

    /// Rows read so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Notes the rows of a page.
    pub fn note(&mut self, rows: u64) {
        self.rows += rows;
        self.page_rows_max = self.page_rows_max.max(rows);
    }

    /// The question that `link` asks, which came with the `rows` rows that `page` found and that
    /// were noted, if it continues the walk.
    ///
    /// The link may be absolute or relative, and its host is not looked at ([`ServiceRoot::below`]). A link with
    /// `$skiptoken` may leave options out, because the token may stand for them.
    pub fn step(
        &self,
        root: &ServiceRoot,
        page: &Question,
        rows: u64,
        link: &str,
    ) -> Result<Question, LinkFault> {
        let next = self.question(root, link)?;
        self.check_options(&next)?;
        self.check_rows_left(&next)?;
        self.check_place(page, rows, &next)?;
        Ok(next)
    }

    fn question(&self, root: &ServiceRoot, link: &str) -> Result<Question, LinkFault> {
        let foreign = |text: &str| LinkFault::Foreign(text.to_owned());
        let below = root
            .below(link)
            .ok_or_else(|| foreign("it leads outside the service"))?;
        let below = below.split('#').next().unwrap_or_default();
        let (path, query) = match below.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (below, None),
        };
        let path = if path.is_empty() {
            path_of(&self.asked)
        } else {
            path.to_owned()
        };
        let next =
            Question::parse(&path, query).map_err(|error| LinkFault::Foreign(error.to_string()))?;
        if !same_resource(self.asked.resource(), next.resource()) {
            return Err(foreign("it names another path"));
        }
        Ok(next)
    }

    /// Everything but place and number must stay as it was: which rows, in which order, with which columns.
    fn check_options(&self, next: &Question) -> Result<(), LinkFault> {
        for (option, value) in self.asked.options() {
            match next.option(option) {
                _ if may_change(option) => {}
                Some(other) if other == value => {}
                Some(_) => return Err(LinkFault::Foreign(format!("it changes `{option}`"))),
                // A token may stand for options. Custom options need not be repeated, aliases must.
                None if is_opaque(next)
                    || !(option.starts_with('$') || option.starts_with('@')) => {}
                None => {
                    return Err(LinkFault::Lost {
                        option: option.clone(),
                    });
                }
            }
        }
        let added = next.options().iter().find(|(option, _)| {
            let chooses = option.starts_with('$') || option.starts_with('@');
            chooses && !may_change(option) && self.asked.option(option).is_none()
        });
        match added {
            Some((option, _)) => Err(LinkFault::Foreign(format!("it adds `{option}`"))),
            None => Ok(()),
        }
    }

    /// Upstream's framework lowers `$top` by what it has delivered. A link that asks for fewer rows than are left
    /// would end the walk early.
    fn check_rows_left(&self, next: &Question) -> Result<(), LinkFault> {
        match (self.asked.top(), next.option("$top")) {
            (_, None) => Ok(()),
            (Some(top), Some(_))
                if next
                    .top()
                    .is_some_and(|next| next >= top.saturating_sub(self.rows)) =>
            {
                Ok(())
            }
            (Some(_), Some(_)) => Err(LinkFault::Foreign(
                "it asks for fewer rows than are left".to_owned(),
            )),
            (None, Some(_)) => Err(LinkFault::Foreign("it adds `$top`".to_owned())),
        }
    }

    /// Where both questions say by `$skip` where they begin, the next one must begin where the page ended.
    ///
    /// Two cases are given the benefit of the doubt, because it is unknown whether upstream counts rows that it
    /// does not show: a jump over an empty page, and one from a page that is shorter than others by a full page.
    fn check_place(&self, page: &Question, rows: u64, next: &Question) -> Result<(), LinkFault> {
        let has_new_custom_option = next
            .options()
            .iter()
            .any(|(option, _)| !option.starts_with('$') && page.option(option).is_none());
        if is_opaque(page) || is_opaque(next) || has_new_custom_option {
            return Ok(());
        }
        let began = page.skip().unwrap_or(0);
        let begins = next.skip().unwrap_or(0);
        let jump = begins
            .checked_sub(began)
            .filter(|jump| *jump >= rows)
            .ok_or(LinkFault::Back)?;
        if jump == rows || rows == 0 || jump == self.page_rows_max {
            return Ok(());
        }
        Err(LinkFault::Foreign("it passes over rows".to_owned()))
    }
}

fn is_opaque(question: &Question) -> bool {
    question.option("$skiptoken").is_some()
}

/// Place and number, checked on their own; a count is only wanted once.
fn may_change(option: &str) -> bool {
    matches!(
        option,
        "$skip" | "$skiptoken" | "$top" | "$count" | "$format"
    )
}

fn path_of(question: &Question) -> String {
    let canonical = question.canonical();
    canonical.split('?').next().unwrap_or_default().to_owned()
}

/// Upstream folds case in set names, so its link may write a name in its own way.
fn same_resource(asked: &Resource, next: &Resource) -> bool {
    match (asked, next) {
        (Resource::Collection(asked), Resource::Collection(next)) => {
            asked.as_str().eq_ignore_ascii_case(next.as_str())
        }
        _ => asked == next,
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    fn question(text: &str) -> Question {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        Question::parse(path, Some(query)).unwrap()
    }

    /// `asked`, whose first page had `rows` rows and `link`.
    fn check(asked: &str, rows: u64, link: &str, expected: Result<&str, &str>) {
        let root = ServiceRoot::new(&Url::parse("https://api.cloud.com/monitorodata").unwrap());
        let asked_for = question(asked);
        let mut walk = Walk::of(asked_for.clone());
        walk.note(rows);
        let next = walk.step(&root, &asked_for, rows, link);
        let next = next
            .map(|next| next.canonical())
            .map_err(|fault| fault.to_string());
        assert_eq!(
            next.as_deref().map_err(String::as_str),
            expected,
            "{asked} → {link}"
        );
    }

    #[test]
    fn links_that_continue() {
        for link in [
            "https://api.cloud.com/monitorodata/Users?$skip=1000",
            "http://API-EU.cloud.com:8080/monitorodata/Users?%24skip=1000",
            "/monitorodata/Users?$skip=1000",
            "Users?$skip=1000",
            "?$skip=1000",
        ] {
            check("Users", 1000, link, Ok("Users?$skip=1000"));
        }
        check("Users", 5, "users?$skip=5", Ok("users?$skip=5"));
        check(
            "Users?$filter=Name eq 'a b'&$top=2500&$count=true",
            1000,
            "https://api.cloud.com/monitorodata/Users?$filter=Name%20eq%20%27a%20b%27&$top=1500&$skip=1000",
            Ok("Users?$filter=Name%20eq%20'a%20b'&$skip=1000&$top=1500"),
        );
        check(
            "Users?$top=9",
            4,
            "Users?$top=9&$skip=4",
            Ok("Users?$skip=4&$top=9"),
        );
        check(
            "Users?$filter=Id eq 1",
            7,
            "Users?$skiptoken=abc",
            Ok("Users?$skiptoken=abc"),
        );
        check("Users?null=null", 7, "Users?$skip=7", Ok("Users?$skip=7"));
        check("Users?$skip=3", 0, "Users?$skip=10", Ok("Users?$skip=10"));
    }

    #[test]
    fn links_that_ask_another_question() {
        for (asked, link, reason) in [
            (
                "Users",
                "https://evil.example/other/Users?$skip=5",
                "it leads outside the service",
            ),
            (
                "Users",
                "https://api.cloud.com/monitorodata/Machines?$skip=5",
                "it names another path",
            ),
            (
                "Users?$filter=Id eq 1",
                "Users?$skip=5",
                "it has lost `$filter`",
            ),
            (
                "Users?$filter=Id eq 1",
                "Users?$filter=Id eq 2&$skip=5",
                "it changes `$filter`",
            ),
            (
                "Users?$filter=Id eq @p&@p=5",
                "Users?$filter=Id eq @p&@p=7&$skip=5",
                "it changes `@p`",
            ),
            (
                "Users?$filter=Id eq @p&@p=5",
                "Users?$filter=Id eq @p&$skip=5",
                "it has lost `@p`",
            ),
            ("Users", "Users?$select=Id&$skip=5", "it adds `$select`"),
            ("Users", "Users?$top=5&$skip=5", "it adds `$top`"),
            (
                "Users?$top=9",
                "Users?$top=3&$skip=5",
                "it asks for fewer rows than are left",
            ),
            (
                "Users?$top=9",
                "Users?$top=x&$skip=5",
                "it asks for fewer rows than are left",
            ),
        ] {
            check(asked, 5, link, Err(reason));
        }
    }

    #[test]
    fn links_to_another_place() {
        let back = "it goes back over rows already read";
        for (asked, rows, link, reason) in [
            ("Users", 5, "Users", back),
            ("Users", 5, "Users?$skip=0", back),
            ("Users", 5, "Users?$skip=4", back),
            ("Users?$top=4", 2, "Users?$top=2", back),
            ("Users?$count=true", 5, "Users", back),
            ("Users?$skip=5", 5, "Users?$skip=5", back),
            ("Users?$skip=5", 5, "Users?$skip=9", back),
            ("Users", 2, "Users?$skip=4", "it passes over rows"),
        ] {
            check(asked, rows, link, Err(reason));
        }
    }

    #[test]
    fn a_short_page_may_be_followed_by_a_full_step() {
        let root = ServiceRoot::new(&Url::parse("https://api.cloud.com/monitorodata").unwrap());
        let mut walk = Walk::of(question("Users"));
        walk.note(100);
        let second = walk
            .step(&root, &question("Users"), 100, "Users?$skip=100")
            .unwrap();
        walk.note(30);
        let third = walk.step(&root, &second, 30, "Users?$skip=200").unwrap();
        assert_eq!(third.canonical(), "Users?$skip=200");
        walk.note(30);
        let fault = walk.step(&root, &third, 30, "Users?$skip=290").unwrap_err();
        assert_eq!(fault.to_string(), "it passes over rows");
        assert_eq!(walk.rows(), 160);
    }
}
