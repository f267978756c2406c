//! A batch: whatever comes as one is refused, or leads to questions below the service root of its own site.
//!
//! Input: the media type, a line end, the body.

#![no_main]

use citrix_odata_proxy::odata::question::Question;
use citrix_odata_proxy::web::fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == b'\n');
    let Some((media_type, body)) = end.map(|end| (&input[..end], &input[end + 1..])) else {
        return;
    };
    let Ok(media_type) = std::str::from_utf8(media_type) else {
        return;
    };
    for (below, query) in fuzz::batch(media_type.trim(), body).unwrap_or_default() {
        assert!(!below.contains(['\r', '\n', ' ']), "{below:?}");
        // An access key is for the batch as a whole, and goes no further.
        let names = query.as_deref().unwrap_or_default().split('&');
        assert!(
            !names.into_iter().any(|option| option.starts_with("key=")),
            "{query:?}"
        );
        let Ok(question) = Question::parse(&below, query.as_deref()) else {
            continue;
        };
        assert!(question.canonical().is_ascii());
    }
});
