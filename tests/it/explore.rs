//! The explorer's pages over the whole program.

use http::{Method, StatusCode};

use crate::world::{Answer, World, small};

/// A page, as a browser gets it.
async fn page(world: &World, path: &str) -> (StatusCode, String) {
    let answer = world.get(path).await;
    checked(&answer);
    (answer.status, answer.text())
}

/// What every page has, whatever its status.
fn checked(answer: &Answer) {
    assert_eq!(answer.header("content-type"), "text/html;charset=utf-8");
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let text = answer.text();
    for inline in [
        " style=\"",
        "<style",
        " onclick=",
        " onload=",
        "javascript:",
    ] {
        assert!(!text.contains(inline), "{inline}");
    }
    assert_eq!(text.matches("<h1>").count(), 1);
    assert_eq!(text.matches("<script").count(), 1, "{text}");
}

#[tokio::test(start_paused = true)]
async fn the_only_sites_sets_are_listed() {
    let world = World::new(small(), "");
    for path in ["/explore", "/explore/main", "/explore/MAIN"] {
        let (status, text) = page(&world, path).await;
        assert_eq!(status, 200, "{path}");
        for expected in [
            "href=\"/explore/main/Sessions\"",
            "Sessions and connections",
            "74 sets",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert!(!text.contains("DirectorAgent"), "{path}");
    }
    assert_eq!(world.asked_upstream(), ["/monitorodata/$metadata"]);
}

#[tokio::test(start_paused = true)]
async fn sets_are_searched_for() {
    let world = World::new(small(), "");
    let (_, text) = page(&world, "/explore/main?q=LOAD+index").await;
    assert!(text.contains("/explore/main/LoadIndexes\""), "{text}");
    assert!(!text.contains("/explore/main/Users\""), "{text}");
    let (status, text) = page(&world, "/explore/main?q=%3Cb%3E").await;
    assert_eq!(status, 200);
    assert!(text.contains("No set matches <q>&lt;b&gt;</q>"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn several_sites_are_a_list() {
    let lab = "sites.lab.customer_id = 'lab'\nsites.lab.client_id = 'x'\nsites.lab.client_secret_env = 'SECRET'\n\
               sites.lab.upstream.endpoint = 'https://citrix.test'";
    let world = World::new(small(), lab);
    let (status, text) = page(&world, "/explore").await;
    assert_eq!(status, 200);
    assert!(text.contains("href=\"/explore/lab\""), "{text}");
    assert!(
        text.contains("http://localhost:8484/lab/monitorodata"),
        "{text}"
    );
    assert!(
        text.contains("http://localhost:8484/monitorodata<"),
        "{text}"
    );
    assert_eq!(world.asked_upstream(), [""; 0]);
    let (status, text) = page(&world, "/explore/mian").await;
    assert_eq!(status, 404);
    assert!(text.contains("href=\"/explore/main\""), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_set_is_described_without_asking_for_rows() {
    let world = World::new(small(), "");
    let (status, text) = page(&world, "/explore/main/sessions").await;
    assert_eq!(status, 200);
    for expected in [
        "<h1>Sessions</h1>",
        "<code>SessionKey</code>",
        "date to filter by",
        "<code>5</code> Active",
        "href=\"/explore/main/Connections\"",
        "OData.Feed(&quot;http://localhost:8484/monitorodata/Sessions&quot;",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert_eq!(world.asked_upstream(), ["/monitorodata/$metadata"]);
}

#[tokio::test(start_paused = true)]
async fn a_query_is_asked_once_and_shown() {
    let world = World::new(small(), "");
    let path = "/explore/main/Sessions?where=ConnectionState&is=eq&value=Terminated&select=SessionKey&select=ConnectionState\
                &order=StartDate&dir=desc&top=5&count=true";
    let (status, text) = page(&world, path).await;
    assert_eq!(status, 200);
    let query = "/Sessions?$filter=ConnectionState eq 3&$select=SessionKey,ConnectionState&$orderby=StartDate desc&$top=5&$count=true";
    for row in world.rows_of(query).await {
        let key = row.split('"').nth(3).unwrap().to_owned();
        assert!(text.contains(&format!("<td>{key}</td>")), "{key}: {text}");
    }
    for expected in [
        "Rows 1 to 5 of ",
        "3 <span class=\"soft\">Terminated</span>",
        "Fetched from Citrix Cloud just now",
        "&amp;skip=5",
        "rel=\"next\"",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let asked = world.pages_asked();
    let (_, again) = page(&world, path).await;
    assert!(again.contains("A stored answer, "), "{again}");
    assert_eq!(world.pages_asked(), asked);
}

#[tokio::test(start_paused = true)]
async fn whatever_is_asked_a_look_stays_small() {
    let world = World::new(small(), "");
    for query in [
        "top=100000",
        "top=",
        "select=SessionKey",
        "raw=%24select%3DSessionKey",
        "raw=%24top%3D100000",
        "raw=%24TOP%3D100000",
    ] {
        let (status, _) = page(&world, &format!("/explore/main/Sessions?{query}")).await;
        assert_eq!(status, 200, "{query}");
    }
    let asked = world.asked_upstream();
    let bounded = |path: &&String| {
        let (_, top) = path
            .split_once("$top=")
            .or_else(|| path.split_once("%24top="))
            .unwrap_or(("", "x"));
        let digits: String = top.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().is_ok_and(|top| top <= 200)
    };
    let pages: Vec<&String> = asked
        .iter()
        .filter(|path| !path.contains("$metadata"))
        .collect();
    assert!(pages.len() > 2, "{asked:?}");
    assert!(pages.iter().all(bounded), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_told_and_stays_editable() {
    let world = World::new(small(), "");
    let (status, text) = page(
        &world,
        "/explore/main/Sessions?raw=%24filter%3DNope%20eq%205",
    )
    .await;
    assert_eq!(status, 400);
    for expected in [
        "Error 400",
        "Nope",
        "In the log this is request",
        "$filter=Nope%20eq%205",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let asked = world.pages_asked();
    let (status, text) = page(
        &world,
        "/explore/main/Sessions?where=SessionKey&is=eq&value=%3Cscript%3E",
    )
    .await;
    assert_eq!(status, 400);
    assert!(
        text.contains("<code>&lt;script&gt;</code> is no value for SessionKey"),
        "{text}"
    );
    assert_eq!(world.pages_asked(), asked);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_is_down_is_a_page_of_its_own() {
    let fault = "set=$metadata,times=always,kind=status,status=503"
        .parse()
        .unwrap();
    let world = World::with_fault(small(), "sites.main.upstream.retry_budget = '2s'", fault);
    for path in [
        "/explore",
        "/explore/main/Sessions",
        "/explore/main/Sessions?top=5",
    ] {
        let (status, text) = page(&world, path).await;
        assert_eq!(status, 503, "{path}");
        assert!(text.contains("Error 503 Upstream"), "{path}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn rows_that_cannot_be_had_leave_the_rest_of_the_page() {
    let fault = "set=Sessions,times=always,kind=status,status=503"
        .parse()
        .unwrap();
    let world = World::with_fault(small(), "sites.main.upstream.retry_budget = '2s'", fault);
    let (status, text) = page(&world, "/explore/main/Sessions?top=5").await;
    assert_eq!(status, 503);
    for expected in ["Error 503", "name=\"where\"", "<h2 id=\"columns\">"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn hidden_and_unknown_sets_say_so() {
    let world = World::new(small(), "");
    let (status, text) = page(&world, "/explore/main/DirectorAgent").await;
    assert_eq!(status, 404);
    assert!(
        text.contains("EntitySetBlocked") && text.contains("sets.deny"),
        "{text}"
    );
    let asked = world.asked_upstream();
    assert!(
        asked.iter().all(|path| path.contains("$metadata")),
        "{asked:?}"
    );
    let (status, text) = page(&world, "/explore/main/Sesions").await;
    assert_eq!(status, 404);
    assert!(text.contains("href=\"/explore/main/Sessions\""), "{text}");
    let (status, _) = page(&world, "/explore/main/%3Cscript%3E").await;
    assert!(status.is_client_error(), "{status}");
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_no_text_gets_a_page_that_says_so() {
    let world = World::new(small(), "");
    for path in ["/explore/%FF", "/explore/main/%FF", "/explore/%C3/Users"] {
        let (status, text) = page(&world, path).await;
        assert_eq!(status, 400, "{path}");
        for expected in ["not UTF-8", "href=\"/explore/main\""] {
            assert!(text.contains(expected), "{path}: {text}");
        }
    }
    assert_eq!(world.asked_upstream(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn links_keep_the_path_of_the_public_address() {
    let world = World::new(
        small(),
        "server.public_url = 'https://bi.example.com/citrix'\nserver.anonymous = true\n",
    );
    let path = "/explore/main/Users?top=5";
    let public = [("host", "bi.example.com")];
    let answer = world.request(Method::GET, path, &public).await;
    checked(&answer);
    let text = answer.text();
    for expected in [
        "action=\"/citrix/explore/main/Users#rows\"",
        "href=\"https://bi.example.com/citrix/monitorodata/Users?$top=5\"",
        "href=\"/citrix/explore/main/Users?top=5&amp;skip=5#rows\"",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    // Opened on the machine itself, past whatever knows that path.
    let (_, text) = page(&world, path).await;
    assert!(text.contains("\"https://bi.example.com/citrix/monitorodata/Users?$top=5\""));
    assert!(
        text.contains("action=\"/explore/main/Users#rows\""),
        "{text}"
    );
    assert!(!text.contains("\"/citrix/"), "{text}");
}
