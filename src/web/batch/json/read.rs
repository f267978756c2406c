//! Reads a JSON batch. Pure.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::super::problem::Problem;
use super::super::ITEMS_MAX;
use super::super::error::BatchError;
use super::super::item::{Inner, Item, Request, refusal, writes_together};

/// The requests of a batch.
pub(crate) fn read(body: &[u8]) -> Result<Vec<Item>, BatchError> {
    let document: Document<'_> =
        serde_json::from_slice(body).map_err(|error| BatchError::Json {
            reason: error.to_string(),
        })?;
    let Requests { first, more } = document.requests;
    if more > 0 {
        return Err(BatchError::TooMany);
    }
    let names_are_sound = Names::default().check_all(&first);
    names_are_sound?;
    Ok(first.into_iter().map(Object::item).collect())
}

/// Members that are not named mean nothing to us.
#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    requests: Requests<'a>,
}

/// No more objects are kept than a batch may hold: each takes many times the bytes that it is written with.
struct Requests<'a> {
    /// [`ITEMS_MAX`] at most.
    first: Vec<Object<'a>>,
    /// How many stand behind these.
    more: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    id: String,
    method: Option<String>,
    url: Option<String>,
    atomicity_group: Option<String>,
    depends_on: Option<Vec<String>>,
    #[serde(borrow, rename = "if")]
    condition: Option<&'a RawValue>,
    headers: Option<BTreeMap<String, String>>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Requests<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Self {
            first: Vec::new(),
            more: 0,
        })
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Requests<'a> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of requests")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut array: A) -> Result<Self, A::Error> {
        while self.first.len() < ITEMS_MAX {
            let Some(object) = array.next_element()? else {
                return Ok(self);
            };
            self.first.push(object);
        }
        while array.next_element::<IgnoredAny>()?.is_some() {
            self.more += 1;
        }
        Ok(self)
    }
}

/// The names that requests have so far.
#[derive(Default)]
struct Names<'a> {
    ids: HashSet<&'a str>,
    groups: HashSet<&'a str>,
}

impl<'a> Names<'a> {
    fn check_all(mut self, objects: &'a [Object<'_>]) -> Result<(), BatchError> {
        for object in objects {
            let depends_on = object.depends_on.iter().flatten();
            for name in depends_on.map(String::as_str) {
                if !(self.ids.contains(name) || self.groups.contains(name)) {
                    return Err(BatchError::UnknownDependency);
                }
            }
            let is_new = self.ids.insert(&object.id);
            self.groups.extend(object.atomicity_group.as_deref());
            if !is_new {
                return Err(BatchError::SameId);
            }
        }
        if self.ids.is_disjoint(&self.groups) {
            Ok(())
        } else {
            Err(BatchError::SameId)
        }
    }
}

impl Object<'_> {
    fn item(self) -> Item {
        let request = if self.atomicity_group.is_some() {
            Request::Refused(writes_together())
        } else if self.condition.is_some() {
            Request::Refused(no_conditions())
        } else {
            match self.inner() {
                Ok(inner) => Request::Inner(inner),
                Err(wrong) => Request::Refused(refusal(wrong)),
            }
        };
        Item {
            id: Some(self.id),
            group: self.atomicity_group,
            depends_on: self.depends_on.unwrap_or_default(),
            request,
        }
    }

    fn inner(&self) -> Result<Inner, &'static str> {
        let method = self.method.as_deref().ok_or("It has no `method`.")?;
        let method = method.to_ascii_uppercase();
        let url = self.url.clone().ok_or("It has no `url`.")?;
        // A body belongs to `$query` alone, and is text there. Whatever else would have one is refused anyway.
        let body = self.body.map(RawValue::get).unwrap_or_default();
        let body = serde_json::from_str::<String>(body).unwrap_or_default();
        Ok(Inner {
            method: Method::from_bytes(method.as_bytes()).map_err(|_| "Its `method` is none.")?,
            url,
            headers: headers(self.headers.as_ref())?,
            body: body.into(),
        })
    }
}

fn headers(object: Option<&BTreeMap<String, String>>) -> Result<HeaderMap, &'static str> {
    let mut headers = HeaderMap::new();
    for (name, value) in object.into_iter().flatten() {
        if headers.len() == HEADERS_MAX {
            return Err("It has more than 100 `headers`.");
        }
        let name = HeaderName::try_from(name).map_err(|_| "A name in its `headers` is none.")?;
        let value =
            HeaderValue::try_from(value).map_err(|_| "A value in its `headers` cannot be one.")?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// What the standard wants of a server that does not know conditions.
fn no_conditions() -> Problem {
    Problem::new(
        StatusCode::FAILED_DEPENDENCY,
        "FailedDependency",
        "This server does not support conditions in a batch (`if`). Leave it out, or send the request once it is known \
         that it is wanted.",
    )
}

const HEADERS_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn found(requests: &str) -> String {
        let items = match read(format!("{{\"requests\":[{requests}]}}").as_bytes()) {
            Ok(items) => items,
            Err(error) => return error.to_string(),
        };
        let items = items.iter().map(|item| {
            let id = item.id.as_deref().unwrap();
            match &item.request {
                Request::Inner(inner) => {
                    let body = String::from_utf8_lossy(&inner.body);
                    let text = format!("{id}: {} {} {body}", inner.method, inner.url);
                    text.trim_end().to_owned()
                }
                Request::Refused(problem) => format!("{id}: {}", problem.status.as_u16()),
            }
        });
        items.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn requests_one_by_one() {
        for (requests, expected) in [
            ("", ""),
            (r#"{"id":"1","method":"get","url":"A"}"#, "1: GET A"),
            (
                r#"{"id":"1","method":"POST","url":"A/$query","body":"$top=1"}"#,
                "1: POST A/$query $top=1",
            ),
            (
                r#"{"id":"1","method":"patch","url":"A","body":{"a":[1]}}"#,
                "1: PATCH A",
            ),
            (
                r#"{"id":"a","method":"get","url":"A","headers":null,"dependsOn":null,"if":null,"x":1},{"id":"b","method":"Head","url":"B","dependsOn":["a"]}"#,
                "a: GET A, b: HEAD B",
            ),
            (
                r#"{"id":"1","method":"get"},{"id":"2","url":"A"}"#,
                "1: 400, 2: 400",
            ),
            (r#"{"id":"1","method":"g t","url":"A"}"#, "1: 400"),
            (
                r#"{"id":"1","method":"get","url":"A","headers":{"a b":"c"}}"#,
                "1: 400",
            ),
            (
                r#"{"id":"1","method":"get","url":"A","headers":{"a":"b\nc"}}"#,
                "1: 400",
            ),
            (
                r#"{"id":"1","method":"get","url":"A","atomicityGroup":"g"},{"id":"2","method":"get","url":"A","dependsOn":["g"]}"#,
                "1: 405, 2: GET A",
            ),
            (
                r#"{"id":"1","method":"get","url":"A"},{"id":"2","method":"get","url":"A","dependsOn":["1"],"if":"$1/$succeeded"}"#,
                "1: GET A, 2: 424",
            ),
        ] {
            assert_eq!(found(requests), expected, "{requests}");
        }
    }

    #[test]
    fn headers_are_those_of_http() {
        let batch = br#"{"requests":[{"id":"1","method":"get","url":"A","headers":{"Accept":"x","cache-control":"no-cache"}}]}"#;
        let items = read(batch).unwrap();
        let Request::Inner(inner) = &items[0].request else {
            panic!("{items:?}");
        };
        assert_eq!(inner.headers["accept"], "x");
        assert_eq!(inner.headers["cache-control"], "no-cache");
    }

    #[test]
    fn names_are_unique_and_known() {
        let (same, unknown) = (BatchError::SameId, BatchError::UnknownDependency);
        for (requests, expected) in [
            (r#"{"id":"1"},{"id":"1"}"#, &same),
            (r#"{"id":"1","atomicityGroup":"1"}"#, &same),
            (r#"{"id":"1"},{"id":"2","atomicityGroup":"1"}"#, &same),
            (r#"{"id":"1","dependsOn":["1"]}"#, &unknown),
            (r#"{"id":"1","dependsOn":["2"]},{"id":"2"}"#, &unknown),
        ] {
            assert_eq!(found(requests), expected.to_string(), "{requests}");
        }
    }

    #[test]
    fn what_is_no_batch() {
        let deep = "[".repeat(100_000);
        for text in [
            "",
            "{",
            "[]",
            "{}",
            "null",
            r#"{"requests":{}}"#,
            r#"{"requests":[1]}"#,
            r#"{"requests":[{"id":1}]}"#,
            r#"{"requests":[{"method":"get","url":"A"}]}"#,
            r#"{"requests":[]} x"#,
            "{\"requests\":[{\"id\":\"\u{0}\"}]}",
            &deep,
        ] {
            let error = read(text.as_bytes()).unwrap_err();
            assert!(matches!(error, BatchError::Json { .. }), "{text:.40}");
            assert_eq!(error.to_string(), "it is not the JSON of a batch");
        }
    }

    #[test]
    fn a_thousand_requests_and_no_more() {
        let requests = |count: usize| {
            let requests = (0..count).map(|id| format!("{{\"id\":\"{id}\"}}"));
            requests.collect::<Vec<_>>().join(",")
        };
        assert_eq!(found(&requests(1000)).split(", ").count(), 1000);
        assert_eq!(found(&requests(1001)), BatchError::TooMany.to_string());
        let objects = vec!["{}"; 100_000].join(",");
        let many = format!("{},{objects}", requests(1000));
        assert_eq!(found(&many), BatchError::TooMany.to_string());
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes: Vec<u8>, text in "[\\[\\]{}\":,a-z0-9 ]{0,60}") {
            let _ = read(&bytes);
            let _ = read(format!("{{\"requests\":[{text}]}}").as_bytes());
        }

        /// Any strings, however they have to be written.
        #[test]
        fn what_was_written_is_read(id in ".{0,9}", url in ".{0,30}") {
            let object = serde_json::json!({"id": id, "method": "get", "url": url});
            let items = read(serde_json::json!({"requests": [object]}).to_string().as_bytes()).unwrap();
            let [Item { id: Some(found), request: Request::Inner(inner), .. }] = &*items else {
                panic!("{items:?}");
            };
            proptest::prop_assert_eq!((found, &inner.url), (&id, &url));
        }
    }
}
