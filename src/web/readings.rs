//! Questions that were read before: reading one takes longer than finding its answer.

use std::sync::Arc;

use crate::memo::Memo;
use crate::odata::question::{ParseError, QUESTION_BYTES_MAX, Question};
use crate::odata::shape::shape;

/// Questions by the text that clients wrote. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Readings(Arc<Memo<Arc<Reading>>>);

/// A question as it was read.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The question.
    pub question: Arc<Question>,
    /// The same without its values, for the log.
    pub shape: Arc<str>,
}

impl Readings {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Memo::new(READINGS_MAX, READING_BYTES_MAX)))
    }

    /// Reads a question, unless it is longer than a client's may be.
    pub(crate) fn read(
        &self,
        below: &str,
        query: Option<&str>,
    ) -> Result<Arc<Reading>, ParseError> {
        let words = |text: &str| text.bytes().filter(|c| b"/&".contains(c)).count();
        if words(below) + query.map_or(0, words) > READING_WORDS_MAX {
            return Reading::of(below, query);
        }
        match query {
            None => self.0.try_get(below, || Reading::of(below, query)),
            // A line break stands in no URL.
            Some(options) => {
                let text = [below, "\n", options].concat();
                self.0.try_get(&text, || Reading::of(below, query))
            }
        }
    }
}

impl Reading {
    fn of(below: &str, query: Option<&str>) -> Result<Arc<Self>, ParseError> {
        let bytes = below.len() + query.map_or(0, str::len);
        if bytes > QUESTION_BYTES_MAX {
            return Err(ParseError::TooLong { bytes });
        }
        Ok(Arc::new(Self::from(Question::parse(below, query)?)))
    }
}

impl From<Question> for Reading {
    fn from(question: Question) -> Self {
        Self {
            shape: shape(&question).into(),
            question: Arc::new(question),
        }
    }
}

/// A report has some dozens.
const READINGS_MAX: usize = 512;

/// Power Query sends up to 2048 characters.
const READING_BYTES_MAX: usize = 2560;

/// Of segments and options that come behind the first: each of them takes room of its own, however short it is. So a reading
/// takes a few times the bytes of its text, and all of them a few megabytes.
const READING_WORDS_MAX: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_have_a_longest_length() {
        let readings = Readings::new();
        let long = "x".repeat(QUESTION_BYTES_MAX - 1);
        assert!(readings.read("S", Some(&long)).is_ok());
        let error = readings.read("Ss", Some(&long)).unwrap_err().to_string();
        let expected = "URL of 32769 bytes is longer than the limit of 32768";
        assert_eq!(error, expected);
    }

    #[test]
    fn what_takes_much_room_is_not_remembered() {
        let readings = Readings::new();
        for (query, is_remembered) in [("&a".repeat(24), true), ("&a".repeat(25), false)] {
            let read = || readings.read("Users", Some(&query)).unwrap();
            assert_eq!(Arc::ptr_eq(&read(), &read()), is_remembered, "{query}");
        }
    }

    #[test]
    fn what_differs_is_never_taken_for_the_same() {
        let readings = Readings::new();
        let texts = [
            ("Users", None),
            ("Users", Some("")),
            ("Users", Some("$top=1")),
            ("Users$top=1", None),
            ("Users", Some("$top=2")),
            ("users", Some("$top=2")),
            ("", Some("$top=2")),
            ("", None),
        ];
        for _ in 0..2 {
            for (below, query) in texts {
                let read = readings.read(below, query).unwrap();
                let expected = Question::parse(below, query).unwrap();
                assert_eq!(*read.question, expected, "{below} {query:?}");
                assert_eq!(*read.shape, shape(&expected));
            }
        }
    }
}
