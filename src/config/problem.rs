//! What is wrong with the settings, in words for the administrator who wrote them.

use std::error::Error;
use std::fmt;

/// One thing that is wrong. No field ever holds a secret, nor a value that might be a misplaced one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting, `server.listen` say, or the file or variable when it is not about one setting.
    pub key: String,
    /// Where the value comes from: a file and its line, a variable, a flag. `None` when it was never set.
    pub origin: Option<String>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Problem {
    pub(super) fn new(key: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            origin: None,
            what: what.into(),
            hint: None,
        }
    }

    pub(super) fn from(mut self, origin: Option<&str>) -> Self {
        self.origin = origin.map(ToOwned::to_owned);
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.key)?;
        if let Some(origin) = &self.origin {
            writeln!(f, "  from:    {origin}")?;
        }
        write!(f, "  problem: {}", self.what)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint:    {hint}")?;
        }
        Ok(())
    }
}

/// Settings that cannot be used, with everything that is wrong with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

impl ConfigError {
    pub(super) fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    /// Everything that is wrong: unknown settings first, then the rest in the order of the settings.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => write!(f, "the settings have a problem:")?,
            count => write!(f, "the settings have {count} problems:")?,
        }
        for problem in &self.problems {
            write!(f, "\n\n{problem}")?;
        }
        Ok(())
    }
}

impl Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_a_block() {
        let error = ConfigError::new(vec![
            Problem::new("server.listen", "`x` is not an address")
                .from(Some("variable CITRIX_ODATA_PROXY__SERVER__LISTEN"))
                .hint("write it like \"127.0.0.1:8484\""),
            Problem::new("sites", "no site is configured"),
        ]);
        insta::assert_snapshot!(error, @r#"
        the settings have 2 problems:

        server.listen
          from:    variable CITRIX_ODATA_PROXY__SERVER__LISTEN
          problem: `x` is not an address
          hint:    write it like "127.0.0.1:8484"

        sites
          problem: no site is configured
        "#);
    }
}
