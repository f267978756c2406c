//! Reads that travel in a POST. Which paths are they? Pure.

/// What a path asks for, where it is not a question by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exchange<'a> {
    /// `$batch`: several questions in a body.
    Batch,
    /// `…/$query`: options of a question in a body.
    Query {
        /// The path of the question.
        below: &'a str,
    },
}

/// Reads a tidy path below a service root, encoded.
pub(crate) fn exchange(below: &str) -> Option<Exchange<'_>> {
    let (before, last) = below.rsplit_once('/').unwrap_or(("", below));
    match last
        .strip_prefix("%24")
        .or_else(|| last.strip_prefix('$'))?
    {
        "batch" if before.is_empty() => Some(Exchange::Batch),
        "query" => Some(Exchange::Query { below: before }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_batch_and_query() {
        let query = |below| Some(Exchange::Query { below });
        for (below, expected) in [
            ("$batch", Some(Exchange::Batch)),
            ("%24batch", Some(Exchange::Batch)),
            ("Sessions/$batch", None),
            ("Sessions/$query", query("Sessions")),
            ("Sessions(5)/User/%24query", query("Sessions(5)/User")),
            ("$query", query("")),
            ("Sessions/query", None),
            ("Sessions/$count", None),
            ("Sessions", None),
            ("", None),
        ] {
            assert_eq!(exchange(below), expected, "{below}");
        }
    }
}
