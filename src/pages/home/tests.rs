//! The page, of a gateway that is made up.

use http::{HeaderMap, Uri};
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
    let text: String = parts.collect();
    text.trim_start().to_owned()
}

const LINES: [&str; 17] = [
    "section", "article", "tr", "dt", "li", "h1", "h2", "h3", "p", "pre", "figure", "form",
    "caption", "dl", "ul", "td", "th",
];

/// As a browser knows it that has opened the page at `/`.
fn address(public_url: Option<&Url>) -> Address {
    let opened = public_url.map_or("http://localhost:8484/", Url::as_str);
    Address::of(public_url, &opened.parse().unwrap(), &HeaderMap::new())
}

#[test]
fn the_head_has_the_address_to_paste() {
    insta::assert_snapshot!(lines(head::head(&overview(), &address(None), false)), @r#"
    <section id="home-head">
    <h1><span class="lamp bad" aria-hidden="true"></span>Site lab cannot sign in to Citrix Cloud</h1><div class="card hero">
    <h2>The address of your data</h2><div class="copy">
    <pre id="home-address" tabindex="0">http://localhost:8484/monitorodata</pre><button type="button" data-copy="home-address">Copy</button></div><ol class="steps">
    <li>In Power BI or Excel: <b>Get data</b>, then <b>OData feed</b></li>
    <li>Paste the address</li>
    <li>Sign in: <b>Anonymous</b>.</li></ol>
    <p class="soft"><a href="/connect">Connection files and other programs</a></p></div>
    <dl class="figures"><div>
    <dt>In memory</dt><dd>12<span class="soft">answers, 2.8 MiB</span></dd></div><div>
    <dt>On disk</dt><dd>45,000<span class="soft">answers, 3.7 GiB</span></dd></div><div>
    <dt>Being made</dt><dd>2<span class="soft">answers, 2 scans</span></dd></div><div>
    <dt>Running for</dt><dd>1h 2m<span class="soft">version 0.1.0</span></dd></div></dl></section>
    "#);
}

#[test]
fn how_to_sign_in_follows_the_keys() {
    let mut without_default = overview();
    for site in &mut without_default.sites {
        site.default = false;
    }
    for status in [overview(), without_default] {
        let [open, with_keys] =
            [false, true].map(|keys| head::head(&status, &address(None), keys).into_string());
        assert!(open.contains("Sign in: <b>Anonymous</b>."), "{open}");
        assert!(!open.contains("access key"), "{open}");
        let basic = "Sign in: <b>Basic</b>. Any user name will do; the password is the access key.";
        assert!(with_keys.contains(basic), "{with_keys}");
        assert!(!with_keys.contains("Anonymous"), "{with_keys}");
    }
}

#[test]
fn sites_say_what_is_wrong_and_what_to_do() {
    insta::assert_snapshot!(lines(sites::sites(&overview(), &address(None))), @r#"
    <section id="home-sites">
    <h2>Sites</h2><div class="sites">
    <article id="site-lab" class="card site">
    <h3>lab <span class="state bad">Cannot sign in</span></h3>
    <p class="bad">The client secret was refused. Enter a new one.</p><div class="copy">
    <pre id="address-lab" tabindex="0">http://localhost:8484/lab/monitorodata</pre><button type="button" data-copy="address-lab">Copy</button></div>
    <dl>
    <dt>Sign-in</dt><dd><span class="bad">no token</span></dd>
    <dt>Queries</dt><dd>1 of 1 under way (up to 3 are allowed), 4 waiting; <span class="warn">paused for another 30s</span></dd>
    <dt>Next</dt><dd><ol class="queue">
    <li><code>$metadata</code> <span class="soft">metadata, for 1s</span></li>
    <li><code>Users(…)</code> <span class="soft">interactive, for 2s</span></li>
    <li><code>Sessions</code> <span class="soft">scan, for 40s</span></li>
    <li><code>&lt;b&gt;</code> <span class="soft">background, for 3s</span></li></ol></dd>
    <dt>Last error</dt><dd><time datetime="1970-01-01T00:00:00Z" title="1970-01-01T00:00:00Z">1h 2m ago</time>: no &lt;row&gt; of `Users` &amp; more</dd>
    <dt>Source</dt><dd><code>https://api.cloud.com/monitorodata</code></dd>
    <dt>Look at</dt><dd><a href="/explore/lab">Explore</a>, <a href="/lab/monitorodata">entity sets</a>, <a href="/lab/monitorodata/$metadata"><code>$metadata</code></a></dd></dl></article>
    <article id="site-main" class="card site">
    <h3>main <span class="state warn">Paused by Citrix Cloud</span></h3>
    <p class="soft">Nothing to do: requests wait, and go on by themselves. If it happens often, another tool may query the same customer; let them take turns.</p>
    <dl>
    <dt>Sign-in</dt><dd>token for another 50m</dd>
    <dt>Queries</dt><dd>1 of 1 under way (up to 3 are allowed), 4 waiting; <span class="warn">paused for another 30s</span></dd>
    <dt>Next</dt><dd><ol class="queue">
    <li><code>$metadata</code> <span class="soft">metadata, for 1s</span></li>
    <li><code>Users(…)</code> <span class="soft">interactive, for 2s</span></li>
    <li><code>Sessions</code> <span class="soft">scan, for 40s</span></li>
    <li><code>&lt;b&gt;</code> <span class="soft">background, for 3s</span></li></ol></dd>
    <dt>Last error</dt><dd><time datetime="1970-01-01T00:00:00Z" title="1970-01-01T00:00:00Z">1h 2m ago</time>: no &lt;row&gt; of `Users` &amp; more</dd>
    <dt>Source</dt><dd><code>https://api.cloud.com/monitorodata</code></dd>
    <dt>Look at</dt><dd><a href="/explore/main">Explore</a>, <a href="/monitorodata">entity sets</a>, <a href="/monitorodata/$metadata"><code>$metadata</code></a></dd></dl></article></div></section>
    "#);
}

#[test]
fn scans_have_bars() {
    insta::assert_snapshot!(lines(scans::scans(&overview().scans)), @r#"
    <section id="home-scans">
    <h2>Running scans</h2>
    <ul class="card scans">
    <li><div class="what"><b>Sessions</b> of main<span class="soft">for 1m 6s, 2 clients</span></div><progress value="412000" max="2000000" aria-label="Rows of Sessions of main"></progress><div>412,000 of about 2,000,000 rows, 6,200 rows/s, 4m 16s left, by range</div><div class="soft"><code>Sessions?$filter=Id lt ?&amp;$select=Id</code></div></li>
    <li><div class="what"><b>Users</b> of main<span class="soft">for 1m 6s, 1 client</span></div><progress aria-label="Rows of Users of main"></progress><div>412,000 rows, 6,200 rows/s</div><div class="soft"><code>Users?$filter=Id lt ?&amp;$select=Id</code></div></li></ul></section>
    "#);
}

#[test]
fn sets_have_their_answers_and_buttons() {
    let mut status = overview();
    status.cache.sets.remove(2);
    insta::assert_snapshot!(lines(sets::sets(&status, &address(None))), @r#"
    <section id="home-sets"><div class="title">
    <h2>Stored answers</h2>
    <form method="post" action="/api/cache/purge"><button aria-label="Purge all stored answers">Purge all</button></form></div><div class="scroll" tabindex="0" role="region" aria-label="Stored answers"><table>
    <caption>Rows, of the largest answer. Age and time that Citrix Cloud took, of the youngest. The sets that were used last; 4 more are stored.</caption><thead>
    <tr>
    <th scope="col">Entity set</th>
    <th scope="col">Site</th>
    <th scope="col" class="number">Answers</th>
    <th scope="col" class="number">Rows</th>
    <th scope="col" class="number">Age</th>
    <th scope="col">State</th>
    <th scope="col" class="number">Size</th>
    <th scope="col" class="number">Took</th>
    <th scope="col" class="number">Hits</th>
    <th scope="col">Actions</th></tr></thead><tbody>
    <tr id="set-lab-&lt;i&gt;&amp;&quot;'">
    <th scope="row"><details><summary>&lt;i&gt;&amp;&quot;'</summary>
    <ul class="answers">
    <li><code>Users</code><br><span class="soft">412,000 rows, 20.0 MiB, 7m old, 1,234 hits, full, pages of 100; </span>stale for 2m</li></ul><a href="/api/status?site=lab&amp;set=%3Ci%3E%26%22%27">12 more, as JSON</a></details></th>
    <td>lab</td>
    <td class="number">13</td>
    <td class="number">412,000</td>
    <td class="number">10s</td>
    <td class="states"><span>12 stale</span>, <span class="soft">1 expired</span></td>
    <td class="number">40.0 MiB</td>
    <td class="number">1m 2s</td>
    <td class="number">2,468</td>
    <td class="do">
    <form method="post" action="/api/cache/refresh?site=lab&amp;set=%3Ci%3E%26%22%27"><button aria-label="Refresh &lt;i&gt;&amp;&quot;' of lab">Refresh</button></form>
    <form method="post" action="/api/cache/purge?site=lab&amp;set=%3Ci%3E%26%22%27"><button aria-label="Purge &lt;i&gt;&amp;&quot;' of lab">Purge</button></form></td></tr>
    <tr id="set-main--">
    <th scope="row"><details><summary>Service document, $metadata</summary>
    <ul class="answers"></ul></details></th>
    <td>main</td>
    <td class="number">0</td>
    <td class="number">412,000</td>
    <td class="number">10s</td>
    <td class="states"></td>
    <td class="number">40.0 MiB</td>
    <td class="number">1m 2s</td>
    <td class="number">2,468</td>
    <td class="do"></td></tr>
    <tr id="set-main-Sessions">
    <th scope="row"><details><summary>Sessions</summary>
    <ul class="answers">
    <li><code>Sessions?$filter=Id lt ?</code><br><span class="soft">412,000 rows, 20.0 MiB, 10s old, 1,234 hits; </span>fresh for 4m 49s</li>
    <li><code>Machines</code><br><span class="soft">412,000 rows, 20.0 MiB, 7m old, 1,234 hits; </span>being refreshed</li></ul></details></th>
    <td>main</td>
    <td class="number">2</td>
    <td class="number">412,000</td>
    <td class="number">10s</td>
    <td class="states"><span>1 being refreshed</span>, <span>1 fresh</span></td>
    <td class="number">40.0 MiB</td>
    <td class="number">1m 2s</td>
    <td class="number">2,468</td>
    <td class="do">
    <form method="post" action="/api/cache/refresh?site=main&amp;set=Sessions"><button aria-label="Refresh Sessions of main">Refresh</button></form>
    <form method="post" action="/api/cache/purge?site=main&amp;set=Sessions"><button aria-label="Purge Sessions of main">Purge</button></form></td></tr></tbody></table></div></section>
    "#);
}

#[test]
fn with_one_site_nothing_names_it() {
    let mut status = overview();
    status.sites.remove(0);
    status.cache.sets = status.cache.sets.into_iter().skip(2).take(1).collect();
    status.cache.sets_total = 1;
    insta::assert_snapshot!(lines(sets::sets(&status, &address(None))), @r#"
    <section id="home-sets"><div class="title">
    <h2>Stored answers</h2>
    <form method="post" action="/api/cache/purge"><button aria-label="Purge all stored answers">Purge all</button></form></div><div class="scroll" tabindex="0" role="region" aria-label="Stored answers"><table>
    <caption>Rows, of the largest answer. Age and time that Citrix Cloud took, of the youngest.</caption><thead>
    <tr>
    <th scope="col">Entity set</th>
    <th scope="col" class="number">Answers</th>
    <th scope="col" class="number">Rows</th>
    <th scope="col" class="number">Age</th>
    <th scope="col">State</th>
    <th scope="col" class="number">Size</th>
    <th scope="col" class="number">Took</th>
    <th scope="col" class="number">Hits</th>
    <th scope="col">Actions</th></tr></thead><tbody>
    <tr id="set-main-Catalogs">
    <th scope="row"><details><summary>Catalogs</summary>
    <ul class="answers">
    <li><code>Catalogs</code><br><span class="soft">412,000 rows, 20.0 MiB, 7m old, 1,234 hits; </span><span class="bad">stale for 2m: no &lt;row&gt; &amp; more</span></li></ul></details></th>
    <td class="number">1</td>
    <td class="number">412,000</td>
    <td class="number">10s</td>
    <td class="states"><span class="bad">stale for 2m: no &lt;row&gt; &amp; more</span></td>
    <td class="number">40.0 MiB</td>
    <td class="number">1m 2s</td>
    <td class="number">2,468</td>
    <td class="do">
    <form method="post" action="/api/cache/refresh?site=main&amp;set=Catalogs"><button aria-label="Refresh Catalogs of main">Refresh</button></form>
    <form method="post" action="/api/cache/purge?site=main&amp;set=Catalogs"><button aria-label="Purge Catalogs of main">Purge</button></form></td></tr></tbody></table></div></section>
    "#);
    let page = content(&status, &address(None), false).into_string();
    assert!(!page.contains(">Site<") && page.contains("Connection to Citrix Cloud"));
}

#[test]
fn requests_that_were_cut_stand_out() {
    insta::assert_snapshot!(lines(recent::recent(&overview())), @r#"
    <section id="home-recent">
    <h2>Latest requests</h2><div class="scroll" tabindex="0" role="region" aria-label="Latest requests"><table>
    <caption>Questions without their values. What this page itself asks is left out.</caption><thead>
    <tr>
    <th scope="col">When</th>
    <th scope="col">Request</th>
    <th scope="col">Site</th>
    <th scope="col" class="number">Status</th>
    <th scope="col">Answer</th>
    <th scope="col" class="number">Rows</th>
    <th scope="col" class="number">Size</th>
    <th scope="col" class="number">Time</th>
    <th scope="col">End</th></tr></thead><tbody>
    <tr id="request-3">
    <td class="when"><time datetime="1969-12-31T23:59:59Z" title="1969-12-31T23:59:59Z">1h 2m ago</time></td>
    <td class="request"><code>Users?$filter=Name eq ?</code></td>
    <td>main</td>
    <td class="number">200</td>
    <td>hit</td>
    <td class="number">3</td>
    <td class="number">1.5 KiB</td>
    <td class="number">2 ms</td>
    <td>complete</td></tr>
    <tr id="request-2">
    <td class="when"><time datetime="1969-12-31T23:59:59Z" title="1969-12-31T23:59:59Z">1h 2m ago</time></td>
    <td class="request">POST <span class="soft">another path</span></td>
    <td>–</td>
    <td class="number">–</td>
    <td>–</td>
    <td class="number">3</td>
    <td class="number">1.5 KiB</td>
    <td class="number">2 ms</td>
    <td><span class="soft">client left</span></td></tr>
    <tr id="request-1" class="cut">
    <td class="when"><time datetime="1969-12-31T23:58:45Z" title="1969-12-31T23:58:45Z">1h 3m ago</time></td>
    <td class="request"><code>Sessions?$orderby=&lt;b&gt;</code><br><span class="bad">upstream is &lt;away&gt;</span></td>
    <td>main</td>
    <td class="number">200</td>
    <td>miss</td>
    <td class="number">3</td>
    <td class="number">1.5 KiB</td>
    <td class="number">1m 15s</td>
    <td><b class="bad">cut</b></td></tr></tbody></table></div></section>
    "#);
}

#[test]
fn questions_of_the_schedule_say_when_and_how() {
    insta::assert_snapshot!(lines(warm::warm(&overview())), @r#"
    <section id="home-warm">
    <h2>Asked in advance</h2><div class="scroll" tabindex="0" role="region" aria-label="Asked in advance"><table>
    <caption>Questions of the settings, without their values.</caption><thead>
    <tr>
    <th scope="col">Question</th>
    <th scope="col">Site</th>
    <th scope="col">Next</th>
    <th scope="col">Last</th>
    <th scope="col">Result</th></tr></thead><tbody>
    <tr>
    <td><code>Users?$filter=Id lt ?</code></td>
    <td>main</td>
    <td><time datetime="1970-01-02T06:00:00Z" title="1970-01-02T06:00:00Z">in 1day 4h</time></td>
    <td><time datetime="1970-01-01T00:00:00Z" title="1970-01-01T00:00:00Z">1h 2m ago</time></td>
    <td>900 rows in 1m 15s</td></tr>
    <tr>
    <td><code>Machines</code></td>
    <td>main</td>
    <td><time datetime="1970-01-02T06:00:00Z" title="1970-01-02T06:00:00Z">in 1day 4h</time></td>
    <td><time datetime="1970-01-01T00:00:00Z" title="1970-01-01T00:00:00Z">1h 2m ago</time></td>
    <td><span class="bad">7 rows in 1m 15s, and not kept</span></td></tr>
    <tr>
    <td><code>Catalogs</code></td>
    <td>main</td>
    <td><time datetime="1970-01-02T06:00:00Z" title="1970-01-02T06:00:00Z">in 1day 4h</time></td>
    <td><time datetime="1970-01-01T00:00:00Z" title="1970-01-01T00:00:00Z">1h 2m ago</time></td>
    <td>it was being made already</td></tr>
    <tr>
    <td><code>Sessions</code></td>
    <td>main</td>
    <td><time datetime="1970-01-02T06:00:00Z" title="1970-01-02T06:00:00Z">in 1day 4h</time></td>
    <td><time datetime="1970-01-01T00:00:00Z" title="1970-01-01T00:00:00Z">1h 2m ago</time></td>
    <td><span class="bad">busy &amp; &lt;late&gt;</span>, after 1m 15s</td></tr>
    <tr>
    <td><code>$metadata</code></td>
    <td>main</td>
    <td>being asked now</td>
    <td>–</td>
    <td>–</td></tr></tbody></table></div></section>
    "#);
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
    let found = content(&status, &address(None), false).into_string();
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
    let found = content(&status, &address(None), false).into_string();
    assert!(!found.contains("<script"), "{found}");
    assert!(found.matches("&lt;script").count() > 20, "{found}");
    // Nothing in a quoted attribute ends it: a set's name is in ids, labels and addresses.
    assert!(!found.contains("script>'\""), "{found}");
    assert!(found.contains("set=%3Cscript%3Ealert%281%29%3C%2Fscript%3E%27%22%26"));
}

#[test]
fn links_and_forms_follow_the_public_address() {
    let url: Url = "https://bi.example.com/citrix/".parse().unwrap();
    let found = content(&overview(), &address(Some(&url)), false).into_string();
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
    // On the machine itself there is nothing in front that knows that path; what is copied is for others.
    let here = Uri::from_static("http://localhost:8484/");
    let here = Address::of(Some(&url), &here, &HeaderMap::new());
    let found = content(&overview(), &here, false).into_string();
    assert!(found.contains(">https://bi.example.com/citrix/monitorodata<"));
    assert!(found.contains(r#"action="/api/cache/purge""#), "{found}");
    assert!(!found.contains("=\"/citrix"), "{found}");
}
