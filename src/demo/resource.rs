//! What a path below the service root names.

use super::model::{Model, Navigation, Table};
use super::query::lexer::{Token, tokens};
use super::value::Value;

/// Something that can be asked for.
#[derive(Debug, Clone)]
pub(crate) enum Resource {
    Service,
    Metadata,
    Set(&'static Table),
    Count(&'static Table),
    Row(&'static Table, Value),
    Related(&'static Table, Value, &'static Navigation),
    Unknown,
}

impl Resource {
    /// Reads the decoded path behind `/monitorodata`.
    pub(crate) fn of(path: &str) -> Self {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let (first, second, more) = (segments.next(), segments.next(), segments.next());
        match (first, second, more) {
            (None, ..) => Self::Service,
            (Some("$metadata"), None, _) => Self::Metadata,
            (Some(first), second, None) => Self::below(first, second).unwrap_or(Self::Unknown),
            _ => Self::Unknown,
        }
    }

    /// The name by which a fault can pick it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Service | Self::Unknown => "",
            Self::Metadata => "$metadata",
            Self::Set(table)
            | Self::Count(table)
            | Self::Row(table, _)
            | Self::Related(table, ..) => table.name(),
        }
    }

    fn below(first: &str, second: Option<&str>) -> Option<Self> {
        let model = Model::published();
        let Some((set, key)) = first.split_once('(') else {
            let table = model.set(first)?;
            return match second {
                None => Some(Self::Set(table)),
                Some("$count") => Some(Self::Count(table)),
                Some(_) => None,
            };
        };
        let table = model.set(set)?;
        let key = literal(key.strip_suffix(')')?)?;
        match second {
            None => Some(Self::Row(table, key)),
            Some(name) => Some(Self::Related(table, key, table.navigation(name)?)),
        }
    }
}

/// A key of one part.
fn literal(text: &str) -> Option<Value> {
    match tokens(text).ok()?.as_slice() {
        [Token::Literal(value)] => Some(value.clone()),
        _ => None,
    }
}
