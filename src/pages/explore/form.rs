//! What the form of a set page says: the query of the page's own address. Pure.

use url::form_urlencoded;

/// What somebody wants to see of a set. Names are as they were given: nothing is checked here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    /// Columns; none means all.
    pub select: Vec<String>,
    /// Conditions, all of which must hold.
    pub conditions: Vec<Condition>,
    /// The column to sort by; empty for none.
    pub order: String,
    /// Whether the greatest comes first.
    pub descending: bool,
    /// Navigation properties whose rows are wanted, too.
    pub expand: Vec<String>,
    /// Rows on the page, from 1 to [`TOP_MAX`].
    pub top: u32,
    /// Rows passed over, where the address says it: then it counts more than what a query by hand says.
    pub skip: Option<u32>,
    /// Whether to count all rows.
    pub count: bool,
    /// A query written by hand, which takes the place of all others; empty for none.
    pub raw: String,
    /// Whether anything was asked at all.
    pub asked: bool,
}

/// A condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Condition {
    /// The column; empty for a condition that is not there.
    pub column: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what, as typed.
    pub value: String,
}

/// How a column is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Operator {
    #[default]
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Contains,
    StartsWith,
    EndsWith,
    Null,
    NotNull,
    /// In so many last hours.
    Hours(u16),
}

impl Operator {
    /// All of them, with their spelling in the address and their words in the form.
    pub(super) const ALL: [(Self, &'static str, &'static str); 14] = [
        (Self::Equal, "eq", "is"),
        (Self::NotEqual, "ne", "is not"),
        (Self::Greater, "gt", "is greater than"),
        (Self::GreaterOrEqual, "ge", "is at least"),
        (Self::Less, "lt", "is less than"),
        (Self::LessOrEqual, "le", "is at most"),
        (Self::Contains, "contains", "contains"),
        (Self::StartsWith, "startswith", "starts with"),
        (Self::EndsWith, "endswith", "ends with"),
        (Self::Null, "null", "is null"),
        (Self::NotNull, "notnull", "is not null"),
        (Self::Hours(24), "24h", "is in the last 24 hours"),
        (Self::Hours(7 * 24), "7d", "is in the last 7 days"),
        (Self::Hours(30 * 24), "30d", "is in the last 30 days"),
    ];

    fn of(word: &str) -> Self {
        let mut all = Self::ALL.iter();
        all.find(|(_, spelling, _)| *spelling == word)
            .map(|(operator, ..)| *operator)
            .unwrap_or_default()
    }

    /// Its spelling in the address.
    pub(super) fn word(self) -> &'static str {
        let mut all = Self::ALL.iter();
        all.find(|(operator, ..)| *operator == self)
            .map_or("eq", |(_, word, _)| word)
    }

    /// Whether it compares with a value.
    pub(super) fn takes_value(self) -> bool {
        !matches!(self, Self::Null | Self::NotNull | Self::Hours(_))
    }
}

impl Default for Form {
    fn default() -> Self {
        Self {
            select: Vec::new(),
            conditions: Vec::new(),
            order: String::new(),
            descending: false,
            expand: Vec::new(),
            top: TOP_DEFAULT,
            skip: None,
            count: false,
            raw: String::new(),
            asked: false,
        }
    }
}

impl Form {
    /// Reads the query of the page's address.
    pub(super) fn read(query: Option<&str>) -> Self {
        let mut form = Self::default();
        let (mut columns, mut operators, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let value = value.into_owned();
            match &*name {
                "select" | "expand" if value.is_empty() => {}
                "select" => form.select.push(value),
                "where" => columns.push(value),
                "is" => operators.push(Operator::of(&value)),
                "value" => values.push(value),
                "order" => form.order = value,
                "dir" => form.descending = value == "desc",
                "expand" => form.expand.push(value),
                "top" => form.top = value.trim().parse().unwrap_or(TOP_DEFAULT),
                "skip" => form.skip = value.trim().parse().ok(),
                "count" => form.count = !value.is_empty(),
                "raw" => value.trim().clone_into(&mut form.raw),
                // What others add to addresses asks for nothing.
                _ => continue,
            }
            form.asked = true;
        }
        form.top = form.top.clamp(1, TOP_MAX);
        let (mut operators, mut values) = (operators.into_iter(), values.into_iter());
        for column in columns {
            // Every row of the form sends all three, in order.
            let (operator, value) = (operators.next(), values.next());
            if !column.is_empty() {
                form.conditions.push(Condition {
                    column,
                    operator: operator.unwrap_or_default(),
                    value: value.unwrap_or_default(),
                });
            }
        }
        form.conditions.truncate(CONDITIONS_MAX);
        form
    }

    /// The query of an address that says the same.
    pub(super) fn to_query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !self.raw.is_empty() {
            query.append_pair("raw", &self.raw);
        }
        for name in &self.select {
            query.append_pair("select", name);
        }
        for condition in &self.conditions {
            query.append_pair("where", &condition.column);
            query.append_pair("is", condition.operator.word());
            query.append_pair("value", &condition.value);
        }
        if !self.order.is_empty() {
            query.append_pair("order", &self.order);
            query.append_pair("dir", if self.descending { "desc" } else { "asc" });
        }
        for name in &self.expand {
            query.append_pair("expand", name);
        }
        query.append_pair("top", &self.top.to_string());
        if let Some(skip) = self.skip {
            query.append_pair("skip", &skip.to_string());
        }
        if self.count {
            query.append_pair("count", "true");
        }
        query.finish()
    }

    /// The same from another row on.
    pub(super) fn passing_over(&self, skip: u32) -> Self {
        Self {
            skip: Some(skip),
            ..self.clone()
        }
    }
}

/// Rows on a page at most. `$top` is always there, so that a look never reads a whole table.
pub(super) const TOP_MAX: u32 = 200;
const TOP_DEFAULT: u32 = 50;
/// Conditions in the form.
pub(super) const CONDITIONS_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_are_read_from_addresses() {
        let form = Form::read(Some(
            "select=Id&select=Name&where=State&is=ne&value=5&where=&is=eq&value=&where=At&is=24h&value=\
             &order=At&dir=desc&expand=User&top=5000&skip=x&count=true&other=1",
        ));
        let condition = |column: &str, operator, value: &str| Condition {
            column: column.to_owned(),
            operator,
            value: value.to_owned(),
        };
        let expected = Form {
            select: vec!["Id".to_owned(), "Name".to_owned()],
            conditions: vec![
                condition("State", Operator::NotEqual, "5"),
                condition("At", Operator::Hours(24), ""),
            ],
            order: "At".to_owned(),
            descending: true,
            expand: vec!["User".to_owned()],
            top: TOP_MAX,
            skip: None,
            count: true,
            raw: String::new(),
            asked: true,
        };
        assert_eq!(form, expected);
        assert_eq!(Form::read(None), Form::default());
        assert_eq!(Form::read(Some("utm_source=mail&q=x")), Form::default());
        assert_eq!(Form::read(Some("top=0")).top, 1);
    }

    proptest! {
        #[test]
        fn a_form_survives_its_address(
            select in prop::collection::vec(".+", 0..3),
            column in ".+",
            operator in 0..Operator::ALL.len(),
            value in any::<String>(),
            order in any::<String>(),
            top in 1..=TOP_MAX,
            skip in any::<Option<u32>>(),
            count in any::<bool>(),
        ) {
            let form = Form {
                select,
                conditions: vec![Condition { column, operator: Operator::ALL[operator].0, value }],
                descending: !order.is_empty() && count,
                order,
                top,
                skip,
                count,
                asked: true,
                ..Form::default()
            };
            prop_assert_eq!(Form::read(Some(&form.to_query())), form);
        }
    }
}
