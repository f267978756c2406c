//! The page, of a gateway that is made up.

use http::Uri;
use url::Url;

use super::*;
use crate::admin::tests::overview;

/// Without whitespace there is nothing to break a line at: most elements get a line each.
fn lines(markup: Markup) -> String {
    let text = markup.into_string();
    let parts = text.split('<').skip(1).map(|part| {
        let name = part.split([' ', '>']).next().unwrap_or_default();
        let line = if LINES.contains(&name) { "\n" } else { "" };
        format!("{line}<{part}")
    });
    parts.collect()
}

const LINES: [&str; 17] = [
    "section", "article", "tr", "dt", "li", "h1", "h2", "h3", "p", "pre", "figure", "form",
    "caption", "dl", "ul", "td", "th",
];

fn address(public_url: Option<&Url>) -> Address {
    Address::of(public_url, &Uri::from_static("http://localhost:8484/"))
}

#[test]
fn the_head_has_the_address_to_paste() {
    insta::assert_snapshot!(lines(head::head(&overview(), &address(None))), @"");
}

#[test]
fn sites_say_what_is_wrong_and_what_to_do() {
    insta::assert_snapshot!(lines(sites::sites(&overview(), &address(None))), @"");
}

#[test]
fn scans_have_bars() {
    insta::assert_snapshot!(lines(scans::scans(&overview().scans)), @"");
}

#[test]
fn sets_have_their_answers_and_buttons() {
    insta::assert_snapshot!(lines(sets::sets(&overview(), &address(None))), @"");
}

#[test]
fn requests_that_were_cut_stand_out() {
    insta::assert_snapshot!(lines(recent::recent(&overview())), @"");
}

#[test]
fn questions_of_the_schedule_say_when_and_how() {
    let status = overview();
    insta::assert_snapshot!(lines(warm::warm(&status.warm, status.now)), @"");
}

#[test]
fn plots_say_in_words_what_they_show() {
    let status = overview();
    let found = lines(plot::activity(&status.history, status.now));
    for expected in [
        "<h2>The last hour</h2>",
        "1,007 answered from the cache, 2 by Citrix Cloud, 2 without an answer.",
        "Citrix Cloud worked on queries for 51 % of the time; at most 51 % of a minute.",
        "At most 4 requests waited for their turn.",
        r#"<text x="29" y="11.5" text-anchor="end">2000</text>"#,
        r#"aria-labelledby="plot-busy-title" aria-describedby="plot-busy-summary""#,
    ] {
        assert!(found.contains(expected), "{expected} in\n{found}");
    }
    // A gap between the 58th and the 61st minute.
    let ground = found.split("class=\"ground\" d=\"").nth(1).unwrap();
    let (ground, _) = ground.split_once('"').unwrap();
    assert_eq!(ground.matches('M').count(), 2, "{ground}");
}

#[test]
fn what_is_empty_says_so_or_is_not_there() {
    let mut status = overview();
    status.scans.clear();
    status.warm.clear();
    status.recent.clear();
    status.history.clear();
    status.cache.sets.clear();
    let found = content(&status, &address(None)).into_string();
    for there in [
        "Nobody has asked anything yet.",
        "Nothing is in memory.",
        r#"<section id="home-scans"></section>"#,
        r#"<section id="home-warm"></section>"#,
        r#"<section id="home-activity"></section>"#,
    ] {
        assert!(found.contains(there), "{there} in\n{found}");
    }
}

#[test]
fn text_of_others_stays_text() {
    let mut status = overview();
    let evil = "<script>alert(1)</script>'\"&";
    for site in &mut status.sites {
        evil.clone_into(&mut site.endpoint);
        site.lane.waiting[0].what = evil.to_owned();
        site.last_error.as_mut().unwrap().message = evil.to_owned();
    }
    for scan in &mut status.scans {
        evil.clone_into(&mut scan.set);
        evil.clone_into(&mut scan.shape);
        evil.clone_into(&mut scan.words);
    }
    for set in &mut status.cache.sets {
        set.set = Some(evil.to_owned());
        for answer in &mut set.latest {
            evil.clone_into(&mut answer.shape);
            answer.failure = Some(evil.to_owned());
            answer.representation = Some(evil.to_owned());
        }
    }
    for request in &mut status.recent {
        request.shape = Some(evil.to_owned());
        request.error = Some(evil.to_owned());
        request.site = Some(evil.to_owned());
    }
    for warm in &mut status.warm {
        evil.clone_into(&mut warm.shape);
    }
    let found = content(&status, &address(None)).into_string();
    assert!(!found.contains("<script"), "{found}");
    assert!(found.matches("&lt;script").count() > 20, "{found}");
    // Nothing in a quoted attribute ends it: a set's name is in ids, labels and addresses.
    assert!(!found.contains("script>'\""), "{found}");
    assert!(found.contains("set=%3Cscript%3Ealert%281%29%3C%2Fscript%3E%27%22%26"));
}

#[test]
fn links_and_forms_follow_the_public_address() {
    let url: Url = "https://bi.example.com/citrix/".parse().unwrap();
    let found = content(&overview(), &address(Some(&url))).into_string();
    for there in [
        ">https://bi.example.com/citrix/monitorodata<",
        ">https://bi.example.com/citrix/lab/monitorodata<",
        r#"action="/citrix/api/cache/purge?site=main&amp;set=Sessions""#,
        r#"action="/citrix/api/cache/refresh?site=main&amp;set=Sessions""#,
        r#"href="/citrix/connect""#,
    ] {
        assert!(found.contains(there), "{there} in\n{found}");
    }
    for address in found.split("=\"/").skip(1) {
        assert!(address.starts_with("citrix/"), "{address:.60}");
    }
}
