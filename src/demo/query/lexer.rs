//! Text of an expression to tokens.

use crate::demo::moment;
use crate::demo::value::Value;

use super::QueryError;

/// A piece of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    Word(String),
    Literal(Value),
    /// One of `( ) , / : - *`.
    Sign(char),
}

/// Takes an expression apart.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, QueryError> {
    let mut rest = text;
    let mut tokens = Vec::new();
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else {
            return Ok(tokens);
        };
        let (token, length) = next(rest, first).ok_or_else(|| {
            let position = text.len() - rest.len();
            QueryError(format!(
                "Syntax error: character '{first}' is not valid at position {position} in '{text}'."
            ))
        })?;
        tokens.push(token);
        rest = rest.get(length..).unwrap_or_default();
    }
}

fn next(rest: &str, first: char) -> Option<(Token, usize)> {
    if let Some(guid) = rest.get(..36).and_then(guid) {
        return Some((Token::Literal(Value::Guid(guid)), 36));
    }
    match first {
        '\'' => quoted(rest),
        '0'..='9' if rest.as_bytes().get(4) == Some(&b'-') => date(rest),
        '0'..='9' => number(rest),
        '(' | ')' | ',' | '/' | ':' | '-' | '*' => Some((Token::Sign(first), 1)),
        letter if letter.is_alphabetic() || letter == '_' || letter == '$' || letter == '@' => {
            let length = rest
                .find(|letter: char| {
                    !(letter.is_alphanumeric() || matches!(letter, '_' | '$' | '@' | '.'))
                })
                .unwrap_or(rest.len());
            let word = rest.get(..length)?;
            let token = match word {
                "null" => Token::Literal(Value::Null),
                "true" => Token::Literal(Value::Bool(true)),
                "false" => Token::Literal(Value::Bool(false)),
                word => Token::Word(word.to_owned()),
            };
            Some((token, length))
        }
        _ => None,
    }
}

/// `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`.
pub(crate) fn guid(text: &str) -> Option<u128> {
    let fits = text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    fits.then(|| u128::from_str_radix(&text.replace('-', ""), 16).ok())?
}

fn quoted(rest: &str) -> Option<(Token, usize)> {
    let mut text = String::new();
    let mut letters = rest.char_indices().skip(1).peekable();
    while let Some((place, letter)) = letters.next() {
        if letter != '\'' {
            text.push(letter);
        } else if letters.next_if(|(_, next)| *next == '\'').is_some() {
            text.push('\'');
        } else {
            return Some((Token::Literal(Value::text(text)), place + 1));
        }
    }
    None
}

fn date(rest: &str) -> Option<(Token, usize)> {
    let length = rest
        .find(|letter: char| {
            !(letter.is_ascii_digit()
                || matches!(letter, '-' | ':' | '.' | 'T' | 'Z' | 't' | 'z' | '+'))
        })
        .unwrap_or(rest.len());
    let text = rest.get(..length)?;
    let moment = moment::read(text)?;
    Some((Token::Literal(Value::Date(moment)), length))
}

fn number(rest: &str) -> Option<(Token, usize)> {
    let mut length = rest
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(rest.len());
    let digits_end = length;
    let tail = |from: usize| rest.as_bytes().get(from).copied().unwrap_or(0);
    if tail(length) == b'.' && tail(length + 1).is_ascii_digit() {
        length += 1;
        while tail(length).is_ascii_digit() {
            length += 1;
        }
    }
    if matches!(tail(length), b'e' | b'E') {
        let mut end = length + 1;
        if matches!(tail(end), b'+' | b'-') {
            end += 1;
        }
        if tail(end).is_ascii_digit() {
            while tail(end).is_ascii_digit() {
                end += 1;
            }
            length = end;
        }
    }
    let text = rest.get(..length)?;
    let value = if length == digits_end {
        Value::Int(text.parse().ok()?)
    } else {
        Value::Double(text.parse().ok()?)
    };
    let suffix = matches!(
        tail(length),
        b'L' | b'l' | b'd' | b'D' | b'f' | b'F' | b'm' | b'M'
    );
    length += usize::from(suffix);
    (!tail(length).is_ascii_alphanumeric()).then_some((Token::Literal(value), length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Value) {
        assert_eq!(tokens(text), Ok(vec![Token::Literal(expected)]), "{text}");
    }

    #[test]
    fn reads_literals() {
        check("'O''Brien'", Value::text("O'Brien"));
        check("''", Value::text(""));
        check("12", Value::Int(12));
        check("12L", Value::Int(12));
        check("1.5e3", Value::Double(1500.0));
        check("1970-01-02", Value::at(86_400_000));
        check("1970-01-01T01:00:00+01:00", Value::at(0));
        check(
            "abcdef01-0000-0000-0000-000000000001",
            Value::Guid(0xabcd_ef01 << 96 | 1),
        );
        check("null", Value::Null);
    }

    #[test]
    fn refuses_what_is_no_token() {
        for text in ["'open", "a # b", "12abc", "2026-99-99"] {
            assert!(tokens(text).is_err(), "{text}");
        }
    }
}
