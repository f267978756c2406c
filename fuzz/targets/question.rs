//! The URL of a question: whatever a client writes, it is refused or it has one spelling.
//!
//! Input: the path below the service root, a line end, the query.

#![no_main]

use citrix_odata_proxy::odata::deny::DenyList;
use citrix_odata_proxy::odata::question::Question;
use citrix_odata_proxy::odata::shape::shape;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let (path, query) = match input.split_once('\n') {
        Some((path, query)) => (path, Some(query)),
        None => (input, None),
    };
    let Ok(question) = Question::parse(path, query) else {
        return;
    };
    let text = question.canonical();
    assert!(text.is_ascii(), "{text:?}");
    assert!(
        !text.contains(['\r', '\n', ' ', '\\', '"', '<', '>']),
        "{text:?}"
    );
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text.as_str(), None),
    };
    // Nothing that another reader of the URL could take for the way up.
    assert!(
        path.split('/')
            .all(|segment| segment != ".." && segment != "."),
        "{text:?}"
    );
    let again = Question::parse(path, query).expect("what we write can be read");
    assert_eq!(again, question, "{text:?}");
    assert_eq!(again.canonical(), text);
    // For the log and for what may be shown: of any question, without a panic.
    shape(&question);
    let deny = DenyList::new(&["DirectorAgent", "Notification*"]).expect("the list is sound");
    deny.needs_schema(&question);
    deny.crosses_by_name(&question);
});
