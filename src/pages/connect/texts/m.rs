//! Power Query M, for Power BI and Excel.

use jiff::tz::TimeZone;

use crate::pages::connect::target::{Target, one_line};
use crate::pages::snippets::m_text as text;

/// The whole set.
pub(in crate::pages::connect) fn table(target: &Target) -> String {
    format!("let\n{}in\n    Rows\n", source(target))
}

/// One of the two parameters of incremental refresh, for the advanced editor of a blank query of that name. `days` before
/// the end of the example.
pub(in crate::pages::connect) fn parameter(target: &Target, days: i8) -> String {
    let date = target.since().to_zoned(TimeZone::UTC).date();
    let moment = date
        .checked_add(jiff::Span::new().days(7 - i64::from(days)))
        .unwrap_or(date);
    format!(
        "#datetime({}, {}, {}, 0, 0, 0)\n    meta [IsParameterQuery = true, IsParameterQueryRequired = true, Type = \"DateTime\"]\n",
        moment.year(),
        moment.month(),
        moment.day()
    )
}

/// Incremental refresh with steps that Power Query turns into a filter by itself: one source for all tables.
pub(in crate::pages::connect) fn incremental(target: &Target, date: &str) -> String {
    let (column, choose, last) = (field(date), choose(target), last(target));
    format!(
        "let\n{source}    \
             // {comment} carries a time zone, the parameters do not: read them as UTC.\n    \
             From = DateTime.AddZone(RangeStart, 0),\n    \
             To = DateTime.AddZone(RangeEnd, 0),\n\
             {undated}    \
             Filtered = Table.SelectRows(Rows, each {column} >= From and {column} < To){choose}\n\
         in\n    {last}\n",
        source = source(target).replace("[Data]\n", "[Data],\n"),
        comment = one_line(date),
        undated = undated_comment(target, &format!("{column} = null")),
    )
}

/// The rows that incremental refresh passes over, for a table of their own. `None` where each row has a date.
pub(in crate::pages::connect) fn undated(target: &Target) -> Option<String> {
    target.undated()?;
    let (column, choose, last) = (field(target.date()?), choose(target), last(target));
    Some(format!(
        "let\n{source}    \
             // Without incremental refresh: a row that gets a date leaves this table.\n    \
             Filtered = Table.SelectRows(Rows, each {column} = null){choose}\n\
         in\n    {last}\n",
        source = source(target).replace("[Data]\n", "[Data],\n"),
    ))
}

/// Incremental refresh with the filter in our own words. The address stays a constant: one that is put together of parts
/// is a dynamic data source, which the Power BI service does not refresh.
pub(in crate::pages::connect) fn explicit(target: &Target, date: &str) -> String {
    let select = if target.set.key.is_empty() {
        String::new()
    } else {
        format!(
            ",\n                #\"$select\" = {}",
            text(&target.columns().join(","))
        )
    };
    format!(
        "let\n    \
             // UTC, as OData writes it.\n    \
             Literal = (moment as datetime) as text =>\n        \
                 DateTime.ToText(moment, [Format = \"yyyy-MM-ddTHH:mm:ss\", Culture = \"en-US\"]) & \"Z\",\n\
             {undated}    \
             Rows = OData.Feed(\n        {address},\n        null,\n        [\n            \
                 Implementation = \"2.0\",\n            \
                 Query = [\n                \
                     #\"$filter\" = {from} & Literal(RangeStart)\n                    \
                     & {to} & Literal(RangeEnd){select}\n            \
                 ]\n        ]\n    )\n\
         in\n    Rows\n",
        address = text(&target.address()),
        from = text(&format!("{date} ge ")),
        to = text(&format!(" and {date} lt ")),
        undated = undated_comment(target, &format!("{date} eq null")),
    )
}

/// A line about rows that are in no partition, and the condition that finds them; empty where each row has a date.
fn undated_comment(target: &Target, condition: &str) -> String {
    let Some(date) = target.undated().and_then(|_| target.date()) else {
        return String::new();
    };
    let line = format!(
        "Rows without {date} are in no partition. Load them as a table of their own: {condition}"
    );
    format!("    // {}\n", one_line(&line))
}

fn source(target: &Target) -> String {
    format!(
        "    Source = OData.Feed({root}, null, [Implementation = \"2.0\"]),\n    \
             Rows = Source{{[Name = {set}, Signature = \"table\"]}}[Data]\n",
        root = text(&target.root),
        set = text(&target.set.name),
    )
}

/// The step that leaves out columns, when some are known.
fn choose(target: &Target) -> String {
    if target.set.key.is_empty() {
        return String::new();
    }
    let columns: Vec<String> = target.columns().into_iter().map(text).collect();
    format!(
        ",\n    // Name the columns that the report needs; each one left out makes the refresh faster.\n    \
         Chosen = Table.SelectColumns(Filtered, {{{}}})",
        columns.join(", ")
    )
}

fn last(target: &Target) -> &'static str {
    if target.set.key.is_empty() {
        "Filtered"
    } else {
        "Chosen"
    }
}

/// A column of a row: `[StartDate]`, or `[#"…"]` where the name is not plain.
fn field(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.starts_with(|c: char| c.is_ascii_alphabetic());
    if plain {
        format!("[{name}]")
    } else {
        format!("[#{}]", text(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::connect::tests::{always_dated, target, without_date};

    #[test]
    fn whole_tables() {
        insta::assert_snapshot!(table(&target()), @r#"
        let
            Source = OData.Feed("http://localhost:8484/monitorodata", null, [Implementation = "2.0"]),
            Rows = Source{[Name = "Sessions", Signature = "table"]}[Data]
        in
            Rows
        "#);
    }

    #[test]
    fn incremental_refresh_that_folds() {
        insta::assert_snapshot!(incremental(&target(), "StartDate"), @r#"
        let
            Source = OData.Feed("http://localhost:8484/monitorodata", null, [Implementation = "2.0"]),
            Rows = Source{[Name = "Sessions", Signature = "table"]}[Data],
            // StartDate carries a time zone, the parameters do not: read them as UTC.
            From = DateTime.AddZone(RangeStart, 0),
            To = DateTime.AddZone(RangeEnd, 0),
            // Rows without StartDate are in no partition. Load them as a table of their own: [StartDate] = null
            Filtered = Table.SelectRows(Rows, each [StartDate] >= From and [StartDate] < To),
            // Name the columns that the report needs; each one left out makes the refresh faster.
            Chosen = Table.SelectColumns(Filtered, {"SessionKey", "StartDate"})
        in
            Chosen
        "#);
        let mut unknown = target();
        unknown.set.key.clear();
        assert!(incremental(&unknown, "StartDate").ends_with("in\n    Filtered\n"));
    }

    #[test]
    fn incremental_refresh_in_our_own_words() {
        insta::assert_snapshot!(explicit(&target(), "StartDate"), @r#"
        let
            // UTC, as OData writes it.
            Literal = (moment as datetime) as text =>
                DateTime.ToText(moment, [Format = "yyyy-MM-ddTHH:mm:ss", Culture = "en-US"]) & "Z",
            // Rows without StartDate are in no partition. Load them as a table of their own: StartDate eq null
            Rows = OData.Feed(
                "http://localhost:8484/monitorodata/Sessions",
                null,
                [
                    Implementation = "2.0",
                    Query = [
                        #"$filter" = "StartDate ge " & Literal(RangeStart)
                            & " and StartDate lt " & Literal(RangeEnd),
                        #"$select" = "SessionKey,StartDate"
                    ]
                ]
            )
        in
            Rows
        "#);
    }

    #[test]
    fn rows_without_a_date_are_a_table_of_their_own() {
        insta::assert_snapshot!(undated(&target()).unwrap(), @r#"
        let
            Source = OData.Feed("http://localhost:8484/monitorodata", null, [Implementation = "2.0"]),
            Rows = Source{[Name = "Sessions", Signature = "table"]}[Data],
            // Without incremental refresh: a row that gets a date leaves this table.
            Filtered = Table.SelectRows(Rows, each [StartDate] = null),
            // Name the columns that the report needs; each one left out makes the refresh faster.
            Chosen = Table.SelectColumns(Filtered, {"SessionKey", "StartDate"})
        in
            Chosen
        "#);
        for target in [always_dated(), without_date()] {
            assert_eq!(undated(&target), None);
        }
        for text in [incremental, explicit] {
            assert!(!text(&always_dated(), "CreatedDate").contains("// Rows without"));
        }
        let mut odd = target();
        odd.set.date.as_mut().unwrap().column = "A\n#shared".to_owned();
        for text in [incremental, explicit] {
            let text = text(&odd, "A\n#shared");
            assert!(
                !text
                    .lines()
                    .any(|line| line.trim_start().starts_with("#shared are")),
                "{text}"
            );
        }
    }

    #[test]
    fn parameters_bound_the_example() {
        insta::assert_snapshot!(parameter(&target(), 7) + &parameter(&target(), 0), @r#"
        #datetime(2026, 11, 15, 0, 0, 0)
            meta [IsParameterQuery = true, IsParameterQueryRequired = true, Type = "DateTime"]
        #datetime(2026, 11, 22, 0, 0, 0)
            meta [IsParameterQuery = true, IsParameterQueryRequired = true, Type = "DateTime"]
        "#);
    }

    #[test]
    fn odd_names_stay_names() {
        for (name, expected) in [
            ("StartDate", "[StartDate]"),
            ("2nd", "[#\"2nd\"]"),
            ("Größe", "[#\"Größe\"]"),
            ("a\"]b", "[#\"a\"\"]b\"]"),
        ] {
            assert_eq!(field(name), expected);
        }
        let mut odd = without_date();
        odd.set.name = "Gr\"ößen".to_owned();
        assert!(table(&odd).contains("[Name = \"Gr\"\"ößen\","));
    }
}
