//! Tokens to an expression: precedence climbing, names resolved by [`Binder`].

use crate::demo::model::Table;
use crate::demo::value::Value;

use super::QueryError;
use super::bind::Binder;
use super::expr::{Comparison, Expr, Kind, Operator};
use super::functions::Function;
use super::lexer::{Token, tokens};

/// Parses a `$filter`: an expression that is true or false.
pub(crate) fn filter(text: &str, table: &'static Table) -> Result<Expr, QueryError> {
    let expr = expression(text, table)?;
    match Kind::of(&expr) {
        Kind::Truth | Kind::Null => Ok(expr),
        other => Err(QueryError(format!(
            "The $filter expression must evaluate to a single boolean value, not {}.",
            other.name()
        ))),
    }
}

/// Parses any expression.
pub(crate) fn expression(text: &str, table: &'static Table) -> Result<Expr, QueryError> {
    let mut parser = Parser {
        text,
        tokens: tokens(text)?,
        place: 0,
        depth: 0,
        binder: Binder::new(table),
    };
    let expr = parser.binary(0)?;
    match parser.peek() {
        None => Ok(expr),
        Some(_) => Err(parser.syntax()),
    }
}

/// Walks over the tokens.
#[derive(Debug)]
pub(super) struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    place: usize,
    depth: usize,
    pub(super) binder: Binder,
}

impl Parser<'_> {
    /// An expression whose operators bind at least this tightly.
    pub(super) fn binary(&mut self, least: u8) -> Result<Expr, QueryError> {
        let mut left = self.unary()?;
        while let Some(word) = self.operator(least) {
            self.place += 1;
            left = self.combine(left, &word)?;
        }
        Ok(left)
    }

    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.place)
    }

    /// Moves on if the next token is this sign.
    pub(super) fn take(&mut self, sign: char) -> bool {
        let found = self.peek() == Some(&Token::Sign(sign));
        self.place += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, sign: char) -> Result<(), QueryError> {
        if self.take(sign) {
            Ok(())
        } else {
            Err(self.syntax())
        }
    }

    /// Moves on if the next token is a name.
    pub(super) fn word(&mut self) -> Result<String, QueryError> {
        match self.peek() {
            Some(Token::Word(word)) => {
                let word = word.clone();
                self.place += 1;
                Ok(word)
            }
            _ => Err(self.syntax()),
        }
    }

    pub(super) fn syntax(&self) -> QueryError {
        QueryError(format!(
            "Syntax error at token {} in '{}'.",
            self.place + 1,
            self.text
        ))
    }

    /// The next token, if it is a binary operator that binds tightly enough.
    fn operator(&self, least: u8) -> Option<String> {
        match self.peek() {
            Some(Token::Word(word)) if strength(word).is_some_and(|strength| strength >= least) => {
                Some(word.clone())
            }
            _ => None,
        }
    }

    fn combine(&mut self, left: Expr, word: &str) -> Result<Expr, QueryError> {
        if word == "in" {
            return self.list(left);
        }
        let right = self.binary(strength(word).unwrap_or(0) + 1)?;
        let (left_kind, right_kind) = (Kind::of(&left), Kind::of(&right));
        let fits = match word {
            "and" | "or" => left_kind.comparable(Kind::Truth) && right_kind.comparable(Kind::Truth),
            "eq" | "ne" | "gt" | "ge" | "lt" | "le" => left_kind.comparable(right_kind),
            _ => left_kind.comparable(Kind::Number) && right_kind.comparable(Kind::Number),
        };
        if !fits {
            return Err(QueryError(format!(
                "A binary operator with incompatible types was detected. Found operand types '{}' and '{}' for operator '{word}'.",
                left_kind.name(),
                right_kind.name()
            )));
        }
        let (left, right) = (Box::new(left), Box::new(right));
        Ok(match word {
            "and" => Expr::And(left, right),
            "or" => Expr::Or(left, right),
            "add" => Expr::Arithmetic(Operator::Add, left, right),
            "sub" => Expr::Arithmetic(Operator::Subtract, left, right),
            "mul" => Expr::Arithmetic(Operator::Multiply, left, right),
            "div" => Expr::Arithmetic(Operator::Divide, left, right),
            "mod" => Expr::Arithmetic(Operator::Modulo, left, right),
            word => Expr::Compare(
                Comparison::of(word).ok_or_else(|| self.syntax())?,
                left,
                right,
            ),
        })
    }

    fn list(&mut self, left: Expr) -> Result<Expr, QueryError> {
        self.expect('(')?;
        let mut choices = Vec::new();
        loop {
            let choice = self.binary(0)?;
            if !Kind::of(&left).comparable(Kind::of(&choice)) {
                return Err(QueryError(format!(
                    "A literal of type '{}' cannot be in a list for '{}'.",
                    Kind::of(&choice).name(),
                    Kind::of(&left).name()
                )));
            }
            choices.push(choice);
            if !self.take(',') {
                break;
            }
        }
        self.expect(')')?;
        Ok(Expr::In(Box::new(left), choices))
    }

    fn unary(&mut self) -> Result<Expr, QueryError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(QueryError::new(
                "The node count limit of the expression has been exceeded.",
            ));
        }
        let expr = self.operand();
        self.depth -= 1;
        expr
    }

    fn operand(&mut self) -> Result<Expr, QueryError> {
        if self.take('-') {
            return Ok(match self.unary()? {
                Expr::Literal(Value::Int(number)) => Expr::Literal(Value::Int(-number)),
                Expr::Literal(Value::Double(number)) => Expr::Literal(Value::Double(-number)),
                other => Expr::Negative(Box::new(other)),
            });
        }
        if self.take('(') {
            let inner = self.binary(0)?;
            self.expect(')')?;
            return Ok(inner);
        }
        match self.peek() {
            Some(Token::Literal(value)) => {
                let value = value.clone();
                self.place += 1;
                Ok(Expr::Literal(value))
            }
            Some(Token::Word(word)) if word == "not" => {
                self.place += 1;
                Ok(Expr::Not(Box::new(self.unary()?)))
            }
            Some(Token::Word(_)) => {
                let word = self.word()?;
                if self.peek() == Some(&Token::Sign('(')) {
                    self.call(&word)
                } else {
                    self.member(&word)
                }
            }
            _ => Err(self.syntax()),
        }
    }

    fn call(&mut self, name: &str) -> Result<Expr, QueryError> {
        let function = Function::of(name).ok_or_else(|| {
            QueryError(format!("An unknown function with name '{name}' was found."))
        })?;
        self.expect('(')?;
        let mut arguments = Vec::new();
        while !self.take(')') {
            if !arguments.is_empty() {
                self.expect(',')?;
            }
            // The second argument of a cast is the name of a type.
            match (function, arguments.len()) {
                (Function::Cast(_), 1) => {
                    let kind = self.word()?;
                    self.expect(')')?;
                    return Ok(Expr::Call(Function::cast_to(&kind)?, arguments));
                }
                _ => arguments.push(self.binary(0)?),
            }
        }
        function.check(name, &arguments)?;
        Ok(Expr::Call(function, arguments))
    }
}

fn strength(word: &str) -> Option<u8> {
    Some(match word {
        "or" => 1,
        "and" => 2,
        "eq" | "ne" => 3,
        "gt" | "ge" | "lt" | "le" | "in" => 4,
        "add" | "sub" => 5,
        "mul" | "div" | "mod" => 6,
        _ => return None,
    })
}

const DEPTH_MAX: usize = 100;
