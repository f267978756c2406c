//! Names to columns and navigation: what a path in an expression means.

use crate::demo::model::Table;

use super::QueryError;
use super::expr::{Expr, Kind, Path, Relation};
use super::parser::Parser;

/// The rows that names can refer to: the one being filtered, and lambda variables.
#[derive(Debug)]
pub(super) struct Binder {
    scopes: Vec<(String, &'static Table)>,
}

impl Binder {
    pub(super) fn new(table: &'static Table) -> Self {
        Self {
            scopes: vec![("$it".to_owned(), table)],
        }
    }

    /// A variable's scope.
    fn variable(&self, word: &str) -> Option<(usize, &'static Table)> {
        let scope = self.scopes.iter().rposition(|(name, _)| name == word)?;
        Some((scope, self.scopes.get(scope)?.1))
    }
}

impl Parser<'_> {
    /// A path that starts with this name: a column, `Nav/Column`, `Coll/any(…)`, `Coll/$count`, `x/Column`.
    pub(super) fn member(&mut self, first: &str) -> Result<Expr, QueryError> {
        let mut steps = Vec::new();
        let mut word = first.to_owned();
        let (scope, mut table) = match self.binder.variable(first) {
            Some(found) => {
                if !self.take('/') {
                    return Ok(Expr::Row(Path {
                        scope: found.0,
                        steps,
                        end: found.1,
                    }));
                }
                word = self.word()?;
                found
            }
            None => self.binder.variable("$it").ok_or_else(|| self.syntax())?,
        };
        loop {
            if let Some(column) = table.column(&word) {
                return Ok(Expr::Column(
                    Path {
                        scope,
                        steps,
                        end: table,
                    },
                    column,
                ));
            }
            let Some(navigation) = table.navigation(&word) else {
                return Err(QueryError::unknown_property(&word, &table.kind));
            };
            let relation = Relation {
                source: table,
                navigation,
            };
            let target = relation.target().ok_or_else(|| self.syntax())?;
            if navigation.many {
                self.expect('/')?;
                return self.collection(
                    Path {
                        scope,
                        steps,
                        end: table,
                    },
                    relation,
                    target,
                );
            }
            steps.push(relation);
            if !self.take('/') {
                return Ok(Expr::Row(Path {
                    scope,
                    steps,
                    end: target,
                }));
            }
            table = target;
            word = self.word()?;
        }
    }

    fn collection(
        &mut self,
        path: Path,
        relation: Relation,
        target: &'static Table,
    ) -> Result<Expr, QueryError> {
        let word = self.word()?;
        let all = match word.as_str() {
            "$count" => return Ok(Expr::Size(path, relation)),
            "any" => false,
            "all" => true,
            _ => return Err(QueryError::unknown_property(&word, &relation.source.kind)),
        };
        self.expect('(')?;
        if self.take(')') {
            return Ok(Expr::Exists {
                path,
                relation,
                body: None,
                all,
            });
        }
        let variable = self.word()?;
        self.expect(':')?;
        self.binder.scopes.push((variable, target));
        let body = self.binary(0)?;
        self.binder.scopes.pop();
        self.expect(')')?;
        if !Kind::of(&body).comparable(Kind::Truth) {
            return Err(QueryError::new(
                "The body of any or all must be true or false.",
            ));
        }
        Ok(Expr::Exists {
            path,
            relation,
            body: Some(Box::new(body)),
            all,
        })
    }
}
