//! `Set(key)` and what is behind it, in words that upstream answers.

use std::sync::Arc;

use super::{Plan, RowName, Wanted, whole};
use crate::gateway::error::AnswerError;
use crate::odata::key;
use crate::odata::name::EntitySet;
use crate::odata::question::Question;
use crate::odata::schema::{EntityType, Schema};

pub(super) fn by_key(
    question: &Arc<Question>,
    set: &EntitySet,
    key: &str,
    rest: &[String],
    schema: Option<&Schema>,
) -> Result<Plan, AnswerError> {
    let Some((set_name, entity)) = schema.and_then(|schema| schema.set(set.as_str())) else {
        return Err(AnswerError::UnknownSet {
            set: set.to_string(),
            near: Vec::new(),
        });
    };
    let invalid = |error: key::KeyError| AnswerError::InvalidOption {
        reason: error.to_string(),
    };
    let filter = key::filter(entity, key).map_err(invalid)?;
    let set = EntitySet::new(set_name).unwrap_or_else(|| set.clone());
    let row = RowName {
        set: set.clone(),
        key: key.to_owned(),
    };
    let found = Question::collection(set).with("$filter", &filter);
    match rest {
        [] => Ok(Plan::Entity {
            ask: shaped(found, question)?,
            row,
        }),
        [segment] | [segment, _] => {
            let counted = rest.get(1).map(String::as_str) == Some("$count");
            let Some((name, navigation)) = entity
                .navigation_named(segment)
                .filter(|_| rest.len() == 1 || counted)
            else {
                return Ok(whole(question));
            };
            let wanted = wanted(
                question,
                schema,
                &navigation.target,
                navigation.collection,
                counted,
            );
            Ok(Plan::Related {
                ask: expanded(&found, entity, name, question, &wanted)?,
                row,
                navigation: name.to_owned(),
                wanted,
            })
        }
        _ => Ok(whole(question)),
    }
}

/// The row's key columns and the navigation property with the client's own options inside.
fn expanded(
    found: &Question,
    entity: &EntityType,
    navigation: &str,
    question: &Question,
    wanted: &Wanted,
) -> Result<Question, AnswerError> {
    let mut nested: Vec<String> = Vec::new();
    let mut ask = found.with("$select", &entity.key.join(","));
    for (name, value) in question.options() {
        let counts = *wanted == Wanted::Count;
        match name.as_str() {
            "$format" => {}
            "$count" | "$top" | "$skip" | "$orderby" if counts => {}
            "$select" | "$expand" | "$filter" | "$orderby" | "$top" | "$skip" | "$count"
            | "$search" | "$levels" | "$compute" => nested.push(inside_parentheses(name, value)?),
            system if system.starts_with('$') => return Err(does_not_go_with_a_key(system)),
            _ => ask = ask.with(name, value),
        }
    }
    if *wanted == Wanted::Count {
        nested.extend(["$count=true".to_owned(), "$top=0".to_owned()]);
    }
    let options = if nested.is_empty() {
        String::new()
    } else {
        format!("({})", nested.join(";"))
    };
    Ok(ask.with("$expand", &format!("{navigation}{options}")))
}

/// An option as it is written inside an `$expand`. A value that would end there, or begin another option, is
/// refused: it would say more than its own option may.
fn inside_parentheses(name: &str, value: &str) -> Result<String, AnswerError> {
    let (mut depth, mut quoted) = (0_u32, false);
    for c in value.chars() {
        match c {
            '\'' => quoted = !quoted,
            _ if quoted => {}
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            ')' => return Err(unbalanced(name)),
            ';' if depth == 0 => return Err(unbalanced(name)),
            _ => {}
        }
    }
    if quoted || depth > 0 {
        return Err(unbalanced(name));
    }
    Ok(format!("{name}={value}"))
}

fn unbalanced(name: &str) -> AnswerError {
    AnswerError::InvalidOption {
        reason: format!(
            "`{name}` has a `;` that does not belong there, or parentheses or quotes without their counterparts"
        ),
    }
}

fn does_not_go_with_a_key(name: &str) -> AnswerError {
    AnswerError::InvalidOption {
        reason: format!("`{name}` does not go with a key"),
    }
}

fn wanted(
    question: &Question,
    schema: Option<&Schema>,
    target: &str,
    collection: bool,
    counted: bool,
) -> Wanted {
    if counted {
        return Wanted::Count;
    }
    let sets = schema
        .map(|schema| schema.sets_of_type(target))
        .unwrap_or_default();
    let columns = question
        .option("$select")
        .map(|columns| format!("({columns})"))
        .unwrap_or_default();
    let context = match (sets.as_slice(), collection) {
        ([set], true) => format!("#{set}{columns}"),
        ([set], false) => format!("#{set}{columns}/$entity"),
        (_, true) => format!("#Collection({target})"),
        (_, false) => format!("#{target}"),
    };
    if collection {
        Wanted::Many { context }
    } else {
        Wanted::One { context }
    }
}

/// `found` with the options of `Set(key)`: those that shape a row.
fn shaped(found: Question, question: &Question) -> Result<Question, AnswerError> {
    let mut ask = found;
    for (name, value) in question.options() {
        match name.as_str() {
            "$format" => {}
            system if system.starts_with('$') && !matches!(system, "$select" | "$expand") => {
                return Err(does_not_go_with_a_key(system));
            }
            _ => ask = ask.with(name, value),
        }
    }
    Ok(ask)
}
