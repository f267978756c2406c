//! A person whose answers are known beforehand.

use std::collections::VecDeque;

use secrecy::SecretString;

use super::Failure;
use super::terminal::{Prompter, Verdict};

/// Gives its answers in turn, and remembers what was said.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    answers: VecDeque<String>,
    /// Everything said and asked, and what was wrong with answers.
    pub(crate) transcript: String,
}

impl Scripted {
    /// An empty answer is nothing but Enter.
    pub(crate) fn new(answers: &[&str]) -> Self {
        Self {
            answers: answers.iter().map(ToString::to_string).collect(),
            transcript: String::new(),
        }
    }

    /// Whether every answer was asked for.
    pub(crate) fn is_done(&self) -> bool {
        self.answers.is_empty()
    }

    fn next(&mut self, question: &str) -> String {
        self.transcript.extend(["? ", question, "\n"]);
        let answer = self.answers.pop_front();
        answer.unwrap_or_else(|| panic!("no answer to `{question}`: {}", self.transcript))
    }
}

impl Prompter for Scripted {
    fn say(&mut self, text: &str) -> Result<(), Failure> {
        self.transcript.extend([text, "\n"]);
        Ok(())
    }

    fn line(
        &mut self,
        question: &str,
        default: Option<&str>,
        judge: &dyn Fn(&str) -> Verdict,
    ) -> Result<String, Failure> {
        let shown = default.map_or_else(String::new, |default| format!(" [{default}]"));
        loop {
            let answer = self.next(&format!("{question}{shown}"));
            let answer = match (answer.as_str(), default) {
                ("", Some(default)) => default.to_owned(),
                _ => answer,
            };
            match judge(&answer) {
                Ok(()) => return Ok(answer),
                Err(what) => self.say(&format!("error: {what}"))?,
            }
        }
    }

    fn hidden(&mut self, question: &str) -> Result<SecretString, Failure> {
        Ok(self.next(question).into())
    }
}
