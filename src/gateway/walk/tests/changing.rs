//! Each row once, whatever the rows are and whatever is added meanwhile.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use proptest::prelude::*;

use super::{Row, Shown, Table, ask, check, walked_by_date};

/// Rows that lie close together and far apart, with and without dates; some appear later.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let date = prop_oneof![
        1 => Just(None),
        2 => Just(Some(7_200_000_000_000_i64)),
        4 => (0_i64..20_000_000_000).prop_map(Some),
        4 => (0_i64..3_000_000_000_000).prop_map(Some),
    ];
    let since = prop_oneof![6 => Just(0_u64), 1 => 1_u64..60];
    let row = (any::<u32>(), date, 0_u64..3, since);
    prop::collection::vec(row, 60..260).prop_map(|rows| {
        let mut keys = BTreeSet::new();
        let rows = rows.into_iter().filter(|(key, ..)| keys.insert(*key));
        rows.map(|(key, date, kind, since)| Row {
            key: key.into(),
            date,
            kind,
            since,
        })
        .collect()
    })
}

fn shown() -> impl Strategy<Value = Shown> {
    let unit = prop_oneof![Just(1_i64), Just(1_000_000), Just(1_000_000_000)];
    (unit, any::<bool>()).prop_map(|(unit, cut)| {
        if cut {
            Shown::Cut(unit)
        } else {
            Shown::Rounded(unit)
        }
    })
}

prop_compose! {
    fn table()(rows in rows(), shown in shown(), page in 1_usize..7, bearable in 1_usize..12) -> Table {
        let page = NonZeroUsize::new(page).unwrap();
        Table { rows, shown, page, bearable, orders: true }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn each_row_comes_once_whatever_its_date_and_whatever_is_added(table in table()) {
        let (body, asked) = ask(&table, "Sessions");
        check(&table, &body.unwrap(), |_| true);
        let there = table.rows.iter().filter(|row| row.since == 0).count();
        let rows = table.page.get().min(table.bearable);
        prop_assert!(walked_by_date(&asked) || there < 10 * rows, "{asked:?}");
        let (body, _) = ask(&table, "Sessions?$filter=Kind lt 2");
        check(&table, &body.unwrap(), |row| row.kind < 2);
    }

    #[test]
    fn each_row_comes_once_by_links_too(table in table()) {
        let refuses = Table { orders: false, ..table };
        let (body, asked) = ask(&refuses, "Sessions");
        check(&refuses, &body.unwrap(), |_| true);
        prop_assert!(!walked_by_date(&asked), "{asked:?}");
    }
}
