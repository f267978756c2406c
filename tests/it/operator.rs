//! The operator's surface, as part of the whole.

use http::Method;

use crate::world::{World, small};

#[tokio::test(start_paused = true)]
async fn errors_of_the_operators_surface_look_like_all_others() {
    let world = World::new(small(), "");
    let (post, purge) = (Method::POST, "/api/cache/purge");
    let stranger = [("origin", "https://evil.example")];
    let path = format!("{purge}?site=other");
    let refresh = "/api/cache/refresh";
    let form = [("accept", "text/html"), ("sec-fetch-site", "cross-site")];
    for (answer, expected) in [
        (
            world.request(post.clone(), purge, &stranger).await,
            "403 CrossSite",
        ),
        (
            world.request(post.clone(), refresh, &stranger).await,
            "403 CrossSite",
        ),
        (
            world.request(post.clone(), refresh, &form).await,
            "403 CrossSite",
        ),
        (world.get(refresh).await, "405 MethodNotAllowed"),
        (world.request(post, &path, &[]).await, "404 NotFound"),
        (world.get(purge).await, "405 MethodNotAllowed"),
        (world.get("/zebra").await, "404 NotFound"),
    ] {
        assert_eq!(answer.error(), expected);
        let detail = &answer.json()["error"]["details"][0];
        assert_eq!(detail["code"], "RequestId", "{expected}");
        assert_eq!(detail["message"], answer.header("x-request-id"));
        for (name, value) in [
            ("odata-version", "4.0"),
            ("cache-control", "no-store"),
            (
                "content-type",
                "application/json;odata.metadata=minimal;charset=utf-8",
            ),
        ] {
            assert_eq!(answer.header(name), value, "{expected}");
        }
    }
}
