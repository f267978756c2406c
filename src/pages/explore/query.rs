//! From a form to the options of an OData query. Pure.

use jiff::{SignedDuration, Timestamp};
use url::form_urlencoded;

use super::form::{Condition, Form, Operator, TOP_MAX};
use super::knowledge::Knowledge;
use super::literal::literal;
use crate::odata::csdl::{Column, SetEntry};
use crate::odata::question::canonical_name;

/// Options of a query, not encoded: `$filter`, `State eq 5`.
pub(super) type Options = Vec<(String, String)>;

/// The options that a form stands for, or what is wrong with it, a sentence each.
pub(super) fn options(
    form: &Form,
    set: &SetEntry,
    knowledge: &Knowledge,
    now: Timestamp,
) -> Result<Options, Vec<String>> {
    if !form.raw.is_empty() {
        return Ok(by_hand(form));
    }
    let mut faults = Vec::new();
    let mut known = |name: &String| {
        let column = set.column(name).map(|column| column.name.clone());
        if column.is_none() {
            faults.push(format!("`{}` has no column `{name}`.", set.name));
        }
        column
    };
    let select: Vec<String> = form.select.iter().filter_map(&mut known).collect();
    let order = Some(&form.order).filter(|order| !order.is_empty());
    let order = order.and_then(&mut known);
    let mut terms = Vec::new();
    for condition in &form.conditions {
        let Some(column) = set.column(&condition.column) else {
            faults.push(format!(
                "`{}` has no column `{}`.",
                set.name, condition.column
            ));
            continue;
        };
        match term(condition, column, set, knowledge, now) {
            Ok(term) => terms.push(term),
            Err(fault) => faults.push(fault),
        }
    }
    let mut expand = Vec::new();
    for name in &form.expand {
        match set.link(name) {
            Some(link) if link.collection => expand.push(format!("{name}($top={NESTED_ROWS})")),
            Some(_) => expand.push(name.clone()),
            None => faults.push(format!("`{}` does not lead to `{name}`.", set.name)),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let direction = if form.descending { " desc" } else { "" };
    let order = order.map(|order| format!("{order}{direction}"));
    let all = [
        ("$filter", terms.join(" and ")),
        ("$select", select.join(",")),
        ("$orderby", order.unwrap_or_default()),
        ("$expand", expand.join(",")),
        ("$top", form.top.to_string()),
        (
            "$skip",
            form.skip
                .filter(|skip| *skip > 0)
                .map_or_else(String::new, |skip| skip.to_string()),
        ),
        (
            "$count",
            if form.count {
                "true".to_owned()
            } else {
                String::new()
            },
        ),
    ];
    let said = all.into_iter().filter(|(_, value)| !value.is_empty());
    Ok(said.map(|(name, value)| (name.to_owned(), value)).collect())
}

/// A query as somebody wrote it, or the part behind the `?` of an address; with a `$top` that a page can bear.
fn by_hand(form: &Form) -> Options {
    let pairs = form_urlencoded::parse(query_of(&form.raw).as_bytes());
    let mut options: Options = Vec::new();
    let mut top = form.top;
    let mut skip = None;
    for (name, value) in pairs {
        // The proxy reads `top=5` as `$top=5`, so this has to, lest the bound be passed over.
        let name = canonical_name(&name);
        match name.as_str() {
            "$top" => top = value.trim().parse().unwrap_or(top).clamp(1, TOP_MAX),
            "$skip" => skip = value.trim().parse::<u32>().ok(),
            // The page reads JSON, whatever is asked.
            "$format" => {}
            _ if options.iter().any(|(known, _)| *known == name) => {}
            _ => options.push((name, value.into_owned())),
        }
    }
    options.push(("$top".to_owned(), top.to_string()));
    if let Some(skip) = form.skip.or(skip).filter(|skip| *skip > 0) {
        options.push(("$skip".to_owned(), skip.to_string()));
    }
    options
}

/// The query of an address, or the whole text: a `?` and slashes may stand in a filter, too.
fn query_of(raw: &str) -> &str {
    let start = raw.to_ascii_lowercase();
    if start.starts_with("http://") || start.starts_with("https://") {
        return raw.split_once('?').map_or("", |(_, query)| query);
    }
    raw.trim_start_matches('?')
}

/// One condition of `$filter`.
fn term(
    condition: &Condition,
    column: &Column,
    set: &SetEntry,
    knowledge: &Knowledge,
    now: Timestamp,
) -> Result<String, String> {
    let (name, kind) = (&column.name, column.kind.as_str());
    let labels = knowledge.labels(&set.name, column);
    let value = || {
        literal(kind, labels.as_ref(), &condition.value).map_err(|expected| {
            let typed = &condition.value;
            if typed.trim().is_empty() {
                return format!("The condition on {name} has no value: write {expected}.");
            }
            format!("`{typed}` is no value for {name}: write {expected}.")
        })
    };
    let compared = |operator: &str| Ok(format!("{name} {operator} {}", value()?));
    let called = |function: &str| {
        if kind == "Edm.String" {
            return Ok(format!("{function}({name},{})", value()?));
        }
        Err(format!(
            "{name} is no text, so it cannot be searched for a part of one."
        ))
    };
    match condition.operator {
        Operator::Equal => compared("eq"),
        Operator::NotEqual => compared("ne"),
        Operator::Greater => compared("gt"),
        Operator::GreaterOrEqual => compared("ge"),
        Operator::Less => compared("lt"),
        Operator::LessOrEqual => compared("le"),
        Operator::Contains => called("contains"),
        Operator::StartsWith => called("startswith"),
        Operator::EndsWith => called("endswith"),
        Operator::Null => Ok(format!("{name} eq null")),
        Operator::NotNull => Ok(format!("{name} ne null")),
        Operator::Hours(hours) if kind == "Edm.DateTimeOffset" => {
            Ok(format!("{name} ge {}", since(now, hours)))
        }
        Operator::Hours(_) => Err(format!("{name} is no date.")),
    }
}

/// So many hours ago, at the full hour before: the same question for an hour, which the cache knows.
fn since(now: Timestamp, hours: u16) -> Timestamp {
    let ago = SignedDuration::from_hours(hours.into());
    let then = now.checked_sub(ago).unwrap_or(now).as_second();
    Timestamp::from_second(then - then.rem_euclid(3600)).unwrap_or(now)
}

/// Rows of an expanded collection, so that a look stays small.
pub(super) const NESTED_ROWS: u32 = 10;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::knowledge::knowledge;
    use super::*;
    use crate::odata::csdl::Link;

    fn sessions() -> SetEntry {
        let column = |(name, kind): (&str, &str)| Column {
            name: name.to_owned(),
            kind: kind.to_owned(),
            nullable: true,
            members: Vec::new(),
        };
        let link = |(name, collection): (&str, bool)| Link {
            name: name.to_owned(),
            set: None,
            target: "N.T".to_owned(),
            collection,
        };
        SetEntry {
            name: "Sessions".to_owned(),
            type_name: "N.Session".to_owned(),
            key: vec!["SessionKey".to_owned()],
            columns: [
                ("SessionKey", "Edm.Guid"),
                ("StartDate", "Edm.DateTimeOffset"),
                ("ConnectionState", "Edm.Int32"),
                ("Name", "Edm.String"),
                ("Blob", "N.Complex"),
            ]
            .map(column)
            .to_vec(),
            links: [("User", false), ("Connections", true)].map(link).to_vec(),
        }
    }

    fn asked(query: &str) -> Result<String, Vec<String>> {
        let now = "2026-03-06T08:15:30Z".parse().unwrap();
        let options = options(&Form::read(Some(query)), &sessions(), knowledge(), now)?;
        let pairs: Vec<String> = options
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        Ok(pairs.join("&"))
    }

    #[test]
    fn forms_become_options() {
        for (form, expected) in [
            ("top=50", "$top=50"),
            (
                "select=Name&select=StartDate",
                "$select=Name,StartDate&$top=50",
            ),
            (
                "where=ConnectionState&is=eq&value=Active&where=Name&is=contains&value=O'B",
                "$filter=ConnectionState eq 5 and contains(Name,'O''B')&$top=50",
            ),
            (
                "where=StartDate&is=7d&value=&order=StartDate&dir=desc",
                "$filter=StartDate ge 2026-02-27T08:00:00Z&$orderby=StartDate desc&$top=50",
            ),
            ("where=Name&is=null&value=x", "$filter=Name eq null&$top=50"),
            ("where=Name&is=eq&value=", "$filter=Name eq ''&$top=50"),
            (
                "expand=User&expand=Connections&top=5",
                "$expand=User,Connections($top=10)&$top=5",
            ),
            ("skip=50&count=true", "$top=50&$skip=50&$count=true"),
        ] {
            assert_eq!(asked(form).as_deref(), Ok(expected), "{form}");
        }
    }

    #[test]
    fn queries_by_hand_keep_a_bound() {
        for (raw, expected) in [
            (
                "$filter=Name eq 'a'&$top=9999",
                "$filter=Name eq 'a'&$top=200",
            ),
            ("?$apply=groupby((Name))", "$apply=groupby((Name))&$top=50"),
            (
                "http://localhost:8484/monitorodata/Sessions?$select=Name&$format=xml&$skip=7",
                "$select=Name&$top=50&$skip=7",
            ),
            (
                "$filter=Name%20eq%20%27a%26b%3F//%27",
                "$filter=Name eq 'a&b?//'&$top=50",
            ),
            ("$select=A&$SELECT=B", "$select=A&$top=50"),
            (
                "$filter=contains(Url,'https://a/b?c')&$top=5",
                "$filter=contains(Url,'https://a/b?c')&$top=5",
            ),
            (
                "HTTPS://proxy/monitorodata/Sessions?$filter=contains(Url,'https://a/b?c')",
                "$filter=contains(Url,'https://a/b?c')&$top=50",
            ),
            ("http://localhost:8484/monitorodata/Sessions", "$top=50"),
            ("top=9999&skip=7&format=xml", "$top=200&$skip=7"),
            ("+%24Top+=9999&%20$FORMAT=xml", "$top=200"),
            ("select=A&$select=B", "$select=A&$top=50"),
        ] {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("raw", raw);
            assert_eq!(asked(&query.finish()).as_deref(), Ok(expected), "{raw}");
        }
        // The links between pages say more than the query.
        for (skip, expected) in [("0", "$top=50"), ("9", "$top=50&$skip=9")] {
            let form = format!("raw=%24skip%3D7&skip={skip}");
            assert_eq!(asked(&form).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn faults_are_told_together() {
        let faults = asked(
            "select=Nope&order=Nor&expand=Never&where=SessionKey&is=eq&value=5&where=StartDate&is=contains&value=1\
             &where=Name&is=24h&value=&where=Blob&is=eq&value=1",
        );
        assert_eq!(
            faults.unwrap_err(),
            [
                "`Sessions` has no column `Nope`.",
                "`Sessions` has no column `Nor`.",
                "`5` is no value for SessionKey: write a GUID such as 01234567-89ab-cdef-0123-456789abcdef.",
                "StartDate is no text, so it cannot be searched for a part of one.",
                "Name is no date.",
                "`1` is no value for Blob: write the condition into the query by hand: its type is not for forms.",
                "`Sessions` does not lead to `Never`.",
            ]
        );
    }

    #[test]
    fn a_condition_wants_a_value() {
        let faults = asked("where=ConnectionState&is=eq&value=+");
        assert_eq!(
            faults.unwrap_err(),
            ["The condition on ConnectionState has no value: write one of the names, or a number."]
        );
    }

    proptest! {
        #[test]
        fn any_value_is_one_condition(value in any::<String>()) {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("where", "Name").append_pair("is", "eq").append_pair("value", &value);
            let asked = asked(&query.finish()).unwrap();
            let literal = asked.strip_prefix("$filter=Name eq '").and_then(|rest| rest.strip_suffix("'&$top=50"));
            let literal = literal.unwrap();
            prop_assert!(literal.split("''").all(|piece| !piece.contains('\'')));
            prop_assert_eq!(literal.replace("''", "'"), value);
        }
    }
}
