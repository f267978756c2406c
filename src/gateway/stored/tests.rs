//! Which stored answers are shown, and what is said of them.

use std::sync::Arc;

use super::*;
use crate::cache::{Content, Entry};
use crate::gateway::AnswerError;
use crate::odata::neutral::NeutralText;
use crate::odata::question::Question;

const RULE: Lifetime = Lifetime {
    fresh: Duration::from_mins(5),
    while_revalidate: Duration::from_mins(10),
    if_error: Duration::from_secs(1000),
};

fn lifetimes() -> Lifetimes {
    Lifetimes::new(RULE.fresh, RULE, &[]).unwrap()
}

/// An answer of `site` to `question` that is so many seconds old.
fn stored(site: &str, question: &str, age: u64) -> Stored<SharedError> {
    let (path, query) = question.split_once('?').unwrap_or((question, ""));
    let question = Question::parse(path, Some(query)).unwrap();
    let site = SiteId::new(site).unwrap();
    let key = CacheKey::new(site, question, Representation::default(), None);
    let content = Content::Json(Representation::default());
    let entry = Entry::of(content, Timestamp::UNIX_EPOCH, &NeutralText::new(), 3);
    Stored {
        key: Arc::new(key),
        entry: Arc::new(entry),
        age: Duration::from_secs(age),
        hits: 0,
        idle: Duration::from_secs(age / 2),
        refreshing: false,
        failure: None,
    }
}

/// So many answers, and no sets.
fn answers(answers: usize) -> Told {
    Told {
        answers,
        sets: 0,
        of_each_set: 0,
    }
}

fn shapes(stored: Vec<Stored<SharedError>>, which: Which<'_>, max: usize) -> Vec<String> {
    let stored = StoredAnswers::of(stored, which, &lifetimes(), answers(max));
    let shapes = stored.latest.into_iter().map(|answer| answer.shape);
    shapes.collect()
}

#[test]
fn the_latest_come_first() {
    let all = || {
        let ages = [(5, 70), (1, 10), (3, 40), (2, 10), (4, 50)];
        let stored = ages.map(|(top, age)| stored("main", &format!("Users?$top={top}"), age));
        stored.to_vec()
    };
    for (max, expected) in [
        (0, &[][..]),
        (2, &["1", "2"]),
        (3, &["1", "2", "3"]),
        (5, &["1", "2", "3", "4", "5"]),
        (9, &["1", "2", "3", "4", "5"]),
    ] {
        let found = shapes(all(), Which::default(), max);
        let expected: Vec<_> = expected
            .iter()
            .map(|top| format!("Users?$top={top}"))
            .collect();
        assert_eq!(found, expected, "{max}");
    }
    let found = StoredAnswers::of(all(), Which::default(), &lifetimes(), answers(2));
    assert_eq!(found.total, 5);
}

#[test]
fn a_site_and_a_set_choose() {
    let all = || {
        vec![
            stored("main", "Users/$count", 1),
            stored("main", "$metadata", 2),
            stored("lab", "Users(5)", 3),
            stored("lab", "Sessions", 4),
        ]
    };
    let lab = SiteId::new("lab").unwrap();
    for (site, set, expected) in [
        (
            None,
            None,
            &["Users/$count", "$metadata", "Users(?)", "Sessions"][..],
        ),
        (None, Some("users"), &["Users/$count", "Users(?)"]),
        (Some(&lab), None, &["Users(?)", "Sessions"]),
        (Some(&lab), Some("Users"), &["Users(?)"]),
        (Some(&lab), Some("Machines"), &[]),
    ] {
        let which = Which { site, set };
        assert_eq!(shapes(all(), which, 9), expected, "{which:?}");
    }
}

#[test]
fn the_present_rules_say_what_can_be_had_of_it() {
    use StoredState::{Expired, Failed, Fresh, Refreshing, Stale};
    for (age, refreshing, failed, expected) in [
        (0, false, false, Fresh),
        (299, false, true, Fresh),
        (299, true, false, Refreshing),
        (300, false, false, Stale),
        (300, true, true, Refreshing),
        (300, false, true, Failed),
        (1299, false, false, Stale),
        (1300, false, true, Expired),
    ] {
        let mut stored = stored("main", "Users", age);
        stored.refreshing = refreshing;
        stored.failure = failed.then(|| AnswerError::Interrupted.into());
        let found = StoredAnswer::of(&stored, &lifetimes());
        assert_eq!(found.state, expected, "{age} {refreshing} {failed}");
        assert_eq!(found.failure.is_some(), failed);
        let left = 300 - i64::try_from(age).unwrap();
        assert_eq!(found.fresh_for.as_secs(), left);
    }
}

#[test]
fn it_is_described_without_the_values_in_its_question() {
    let stored = stored("main", "Users?$filter=UserName eq 'Smith'", 7);
    let found = StoredAnswer::of(&stored, &lifetimes());
    assert_eq!(found.shape, "Users?$filter=UserName eq ?");
    assert!(!format!("{found:?}").contains("Smith"), "{found:?}");
    assert_eq!((found.set.as_deref(), found.rows), (Some("Users"), 3));
    assert_eq!((found.representation, found.page_size), (None, None));
    assert!(found.bytes > found.text_bytes);
}

#[test]
fn answers_are_put_together_by_their_set() {
    let mut all = vec![
        stored("main", "Users?$top=1", 90),
        stored("main", "Users", 70),
        stored("main", "Users/$count", 301),
        stored("lab", "Users", 5),
        stored("main", "$metadata", 7),
        stored("main", "", 8),
        stored("main", "Sessions", 20_000),
    ];
    all[0].hits = 4;
    all[1].hits = 3;
    all[2].failure = Some(AnswerError::Interrupted.into());
    all[0].refreshing = true;
    let told = |sets, of_each_set| Told {
        answers: 0,
        sets,
        of_each_set,
    };
    let found = StoredAnswers::of(all.clone(), Which::default(), &lifetimes(), told(9, 2));
    let rows: Vec<String> = found
        .sets
        .iter()
        .map(|set| {
            let shapes: Vec<&str> = set.latest.iter().map(|one| one.shape.as_str()).collect();
            format!(
                "{} {} {:?} {} hits, {} s, {} idle: {}",
                set.site,
                set.set.as_deref().unwrap_or("-"),
                set.states,
                set.hits,
                set.age.as_secs(),
                set.idle.as_secs(),
                shapes.join(" ")
            )
        })
        .collect();
    insta::assert_snapshot!(rows.join("\n"), @r"
    lab Users States { fresh: 1, refreshing: 0, failed: 0, stale: 0, expired: 0 } 0 hits, 5 s, 2 idle: Users
    main - States { fresh: 2, refreshing: 0, failed: 0, stale: 0, expired: 0 } 0 hits, 7 s, 3 idle: $metadata 
    main Sessions States { fresh: 0, refreshing: 0, failed: 0, stale: 0, expired: 1 } 0 hits, 20000 s, 10000 idle: Sessions
    main Users States { fresh: 1, refreshing: 1, failed: 1, stale: 0, expired: 0 } 7 hits, 70 s, 35 idle: Users Users?$top=1
    ");
    assert_eq!((found.sets_total, found.total), (4, 7));
    let bytes: u64 = found.sets.iter().map(|set| set.bytes).sum();
    assert_eq!(bytes, all.iter().map(super::bytes).sum::<u64>());

    // Those that were used last, in order of their names.
    let found = StoredAnswers::of(all, Which::default(), &lifetimes(), told(2, 0));
    let names: Vec<_> = found
        .sets
        .iter()
        .map(|set| (set.site.as_str(), set.set.as_deref(), set.latest.len()))
        .collect();
    assert_eq!(names, [("lab", Some("Users"), 0), ("main", None, 0)]);
    assert_eq!(found.sets_total, 4);
}
