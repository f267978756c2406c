//! `$metadata`: read, and rewritten without what is blocked; what is blocked is in it no more.

#![no_main]

use citrix_odata_proxy::odata::csdl::{hide, parse};
use citrix_odata_proxy::odata::deny::DenyList;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(schema) = parse(input) else {
        return;
    };
    let deny = DenyList::new(&["Secret*", "DirectorAgent"]).expect("the list is sound");
    let shown = hide(input, &deny).expect("what can be read can be rewritten");
    let after = parse(&shown).expect("what we write can be read");
    for set in after.sets.keys() {
        assert!(!deny.denies(set), "{set}");
        assert!(schema.sets.contains_key(set), "{set}");
    }
    for set in schema.sets.keys().filter(|set| !deny.denies(set)) {
        assert!(after.sets.contains_key(set), "{set}");
    }
});
