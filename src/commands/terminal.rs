//! Asking a person, and reading a secret from whatever stands in for one.

use std::io::{self, BufRead, IsTerminal, Write};

use dialoguer::{Input, Password};
use secrecy::SecretString;

use super::Failure;
use crate::config;

/// What is wrong with an answer, as a sentence without its full stop.
pub(super) type Verdict = Result<(), String>;

/// Somebody who is asked. Behind a trait, so that tests can answer.
pub(super) trait Prompter {
    /// Tells something.
    fn say(&mut self, text: &str) -> Result<(), Failure>;

    /// Asks for a line until `judge` has nothing against it; nothing but Enter is the `default`, if there is one. The
    /// answer has no blanks around it.
    fn line(
        &mut self,
        question: &str,
        default: Option<&str>,
        judge: &dyn Fn(&str) -> Verdict,
    ) -> Result<String, Failure>;

    /// Asks for a line that is not shown while it is typed.
    fn hidden(&mut self, question: &str) -> Result<SecretString, Failure>;
}

/// The person at the terminal: questions go to standard error, so that standard output has results alone.
#[derive(Debug)]
pub(super) struct Terminal(());

impl Terminal {
    /// `None` when nobody is there: standard input or standard error is no terminal.
    pub(super) fn attended() -> Option<Self> {
        let attended = io::stdin().is_terminal() && io::stderr().is_terminal();
        attended.then_some(Self(()))
    }
}

impl Prompter for Terminal {
    fn say(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(io::stderr().lock(), "{text}").map_err(Failure::Terminal)
    }

    fn line(
        &mut self,
        question: &str,
        default: Option<&str>,
        judge: &dyn Fn(&str) -> Verdict,
    ) -> Result<String, Failure> {
        let input = Input::<String>::new()
            .with_prompt(question)
            .validate_with(|text: &String| judge(text.trim()));
        let input = match default {
            Some(default) => input.default(default.to_owned()),
            None => input,
        };
        let answer = input.interact_text().map_err(failed)?;
        Ok(answer.trim().to_owned())
    }

    fn hidden(&mut self, question: &str) -> Result<SecretString, Failure> {
        loop {
            let question = format!("{question} (not shown)");
            let typed = Password::new().with_prompt(question).interact();
            match config::client_secret(typed.map_err(failed)?.as_bytes()) {
                Ok(secret) => return Ok(secret),
                Err(what) => self.say(&format!("error: the client secret {what}"))?,
            }
        }
    }
}

fn failed(dialoguer::Error::IO(error): dialoguer::Error) -> Failure {
    Failure::Terminal(error)
}

/// The client secret in the first line of `input`; the line end is none of it.
pub(super) fn first_line(input: impl BufRead) -> Result<SecretString, Failure> {
    let mut line = Vec::new();
    input
        .take(LINE_BYTES_MAX)
        .read_until(b'\n', &mut line)
        .map_err(Failure::Terminal)?;
    config::client_secret(&line).map_err(Failure::Input)
}

/// Beyond any secret: whatever is longer is something else.
const LINE_BYTES_MAX: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_of_input_is_the_secret() {
        for (input, expected) in [
            (&b"hunter2\n"[..], Ok(())),
            (b"hunter2", Ok(())),
            (b"  hunter2\r\nmore\n", Ok(())),
            (b"\xEF\xBB\xBFhunter2\r\n", Ok(())),
            (b"", Err("is empty")),
            (b"\nhunter2\n", Err("is empty")),
            (b"hunter2\xE9\n", Err("is not text")),
        ] {
            let read = first_line(input);
            match (read, expected) {
                (Ok(_), Ok(())) => {}
                (Err(failure), Err(words)) => {
                    let text = failure.to_string();
                    assert!(text.contains(words) && !text.contains("hunter2"), "{text}");
                }
                (read, _) => panic!("{input:?}: {read:?}"),
            }
        }
    }
}
