//! Long answers lie in memory in the form that their clients ask for.

use std::collections::VecDeque;
use std::io::Read;

use bytes::Bytes;
use flate2::read::GzDecoder;

use super::*;
use crate::cache::entry::Block;
use crate::odata::neutral::Piece;

const ROOT: Bytes = Bytes::from_static(b"http://localhost:8484/monitorodata");

/// More than is kept beside its packed form, and less than one answer may take of the memory.
const ROWS: usize = 6000;
const MEMORY: u64 = 8 << 20;

fn long_place() -> Place {
    let mut place = Place::new();
    place.memory = MEMORY;
    place
}

/// The parts of a long answer, as a collection has them.
fn texts(rows: usize) -> Vec<NeutralText> {
    let mut head = NeutralText::new();
    head.push("{\"@odata.context\":\"");
    head.push_root();
    head.push("/$metadata#Users\",\"value\":[");
    let row = |n| format!("{{\"Id\":{n},\"Name\":\"user {n}\",\"Domain\":\"EXAMPLE\"}}");
    let rows: Vec<String> = (0..rows).map(row).collect();
    let (one, two) = rows.split_at(rows.len() / 2);
    vec![
        head,
        text(one.join(",")),
        text(","),
        text(two.join(",")),
        text("]}"),
    ]
}

fn whole(rows: usize) -> Vec<u8> {
    let texts = texts(rows);
    texts.iter().flat_map(|text| text.to_bytes(&ROOT)).collect()
}

/// Makes a long answer.
async fn make_long(cache: &Cache<&'static str>, set: &str, rows: usize) {
    let found = cache.find(key(set), INSISTS, |mut writer| async move {
        writer.begin(Content::Text);
        for text in texts(rows) {
            writer.room().await;
            writer.push(text, 1).await;
        }
        Ok(())
    });
    assert_eq!(read(found).await, Ok(5));
}

/// Asks for a form so many times, and waits for what that brings about.
async fn ask(cache: &Cache<&'static str>, set: &str, form: Form, times: usize) {
    for _ in 0..times {
        let hit = lookup(cache, set).await.unwrap();
        hit.entry.asked_for(form);
    }
    lookup(cache, set).await.unwrap();
    settled(cache).await;
}

/// Waits until no answer is being brought into another form.
async fn settled(cache: &Cache<&'static str>) {
    drop(cache.reshaping.acquire().await.unwrap());
}

async fn entry(cache: &Cache<&'static str>, set: &str) -> Arc<Entry> {
    lookup(cache, set).await.unwrap().entry
}

async fn is_text(cache: &Cache<&'static str>, set: &str) -> bool {
    entry(cache, set).await.plain().is_some()
}

/// What a client is sent who takes gzip; an error when its connection is cut.
async fn gzip(entry: &Arc<Entry>) -> std::io::Result<Vec<u8>> {
    let (mut writer, mut frames) = (GzipWriter::new(), VecDeque::new());
    let (mut at, mut rows) = (0, 0);
    while let Some(segment) = entry.part(at).await {
        let segment = segment?;
        for part in segment.text.parts() {
            writer.write(part, &ROOT, &mut frames).unwrap();
        }
        at += 1;
        rows += segment.rows;
    }
    writer.end(&mut frames);
    assert_eq!(rows, entry.facts.rows);
    Ok(frames.into_iter().collect::<Vec<_>>().concat())
}

fn gunzip(file: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    GzDecoder::new(file).read_to_end(&mut text).unwrap();
    text
}

/// What a client is sent who does not.
fn plain(entry: &Arc<Entry>) -> Vec<u8> {
    let packed = entry.plain().or_else(|| entry.in_memory()).unwrap();
    packed.to_bytes(&ROOT).to_vec()
}

/// What a part of the answer is cut out of.
fn pieces(entry: &Arc<Entry>) -> Vec<u8> {
    let pieces = Pieces::of(Arc::clone(entry)).map(|piece| match piece.unwrap() {
        Piece::Bytes(bytes) => bytes,
        Piece::Root => ROOT,
    });
    pieces.collect::<Vec<_>>().concat()
}

/// Damages the last part of the one file there is.
fn damage(place: &Place) {
    let file = place.file();
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() - 1000;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_form_goes_there_and_back_and_the_bytes_stay_the_same() {
    let place = long_place();
    let cache = place.cache();
    make_long(&cache, "Users", ROWS).await;
    cache.settle().await;
    let packed = entry(&cache, "Users").await;
    let file = fs::read(place.file()).unwrap();
    let sent = gzip(&packed).await.unwrap();
    assert!(gunzip(&sent) == whole(ROWS));
    // What they ask for before it is clear; later they are at four more for gzip.
    for (round, before) in [3, 7, 7].into_iter().enumerate() {
        ask(&cache, "Users", Form::Text, before).await;
        assert!(!is_text(&cache, "Users").await, "round {round}");
        ask(&cache, "Users", Form::Text, 1).await;
        let text = entry(&cache, "Users").await;
        assert!(text.in_memory().is_none(), "not both at once");
        assert_eq!(text.facts, packed.facts, "and so the validators");
        for root_len in [0, 7, ROOT.len(), 70_000] {
            assert_eq!(text.len_at(root_len), packed.len_at(root_len));
            assert_eq!(text.gzip_len_at(root_len), packed.gzip_len_at(root_len));
        }
        // Two frames: the head with the service root in it, and all the rest.
        assert_eq!(text.plain().unwrap().plain(&ROOT).count(), 2);
        assert!(plain(&text) == whole(ROWS) && pieces(&text) == whole(ROWS));
        assert!(gzip(&text).await.unwrap() == sent);
        let held = text.stored_len() as u64;
        assert!((0..2000).contains(&(held - text.facts.text_len)), "{held}");
        assert_eq!(cache.size().0, 1);
        assert!((0..2000).contains(&(cache.size().1 - held)));

        // They are at four more for text.
        ask(&cache, "Users", Form::Packed, 7).await;
        assert!(is_text(&cache, "Users").await, "round {round}");
        ask(&cache, "Users", Form::Packed, 1).await;
        let again = entry(&cache, "Users").await;
        assert_eq!(again.in_memory(), packed.in_memory());
        assert!(again.plain().is_none());
        assert_eq!(again.facts, packed.facts);
        assert!(plain(&again) == whole(ROWS) && pieces(&again) == whole(ROWS));
        assert!(gzip(&again).await.unwrap() == sent);
        assert_eq!(again.stored_len(), packed.stored_len());
        assert_eq!(cache.size().0, 1);
    }
    assert!(fs::read(place.file()).unwrap() == file);
    let hits = cache.stored().first().unwrap().hits;
    assert!(hits > 60, "{hits} are counted on");
}

#[tokio::test(start_paused = true)]
async fn text_outlives_neither_eviction_nor_a_restart_and_the_answer_does() {
    let place = long_place();
    let cache = place.cache();
    make_long(&cache, "Users", ROWS).await;
    cache.settle().await;
    let facts = entry(&cache, "Users").await.facts.clone();
    ask(&cache, "Users", Form::Text, 4).await;
    assert!(is_text(&cache, "Users").await);
    evict(&cache);
    for cache in [cache, place.cache()] {
        let hit = lookup(&cache, "Users").await.unwrap();
        assert!(hit.entry.in_memory().is_some());
        assert_eq!(hit.entry.facts, facts);
        ask(&cache, "Users", Form::Text, 4).await;
        let text = entry(&cache, "Users").await;
        assert!(plain(&text) == whole(ROWS));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_written_in_several_parts_is_the_same_in_both_forms() {
    let place = long_place();
    let cache = place.cache();
    // Others take nearly all the memory that there is for answers in the making.
    let busy = ["A", "B"].map(|set| {
        cache.find(key(set), STORED, |mut writer| async move {
            writer.begin(Content::Text);
            writer.push(text(noise((1 << 20) - 10_000)), 1).await;
            std::future::pending().await
        })
    });
    while cache.space.allowance.used() < (2 << 20) - 40_000 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    make_long(&cache, "Users", ROWS).await;
    cache.settle().await;
    drop(busy);
    let packed = entry(&cache, "Users").await;
    let sent = gzip(&packed).await.unwrap();
    assert!(packed.in_memory().is_some() && gunzip(&sent) == whole(ROWS));
    ask(&cache, "Users", Form::Text, 4).await;
    let text = entry(&cache, "Users").await;
    assert!(text.plain().is_some() && text.blocks.len() > 1);
    assert_eq!(text.facts, packed.facts);
    assert!(plain(&text) == whole(ROWS) && gzip(&text).await.unwrap() == sent);
    ask(&cache, "Users", Form::Packed, 8).await;
    assert_eq!(entry(&cache, "Users").await.in_memory(), packed.in_memory());
}

#[tokio::test(start_paused = true)]
async fn clients_who_take_gzip_share_what_is_read_for_them() {
    let place = long_place();
    let cache = place.cache();
    make_long(&cache, "Users", ROWS).await;
    cache.settle().await;
    ask(&cache, "Users", Form::Text, 4).await;
    let text = entry(&cache, "Users").await;
    let parts = join_all((0..64).map(|_| text.part(0))).await;
    let parts: Vec<_> = parts.into_iter().map(|p| p.unwrap().unwrap()).collect();
    let first = |segment: &Segment| segment.text.parts().as_ptr();
    assert!(parts.iter().all(|part| first(part) == first(&parts[0])));
    let weak = parts[0].text.downgrade();
    drop(parts);
    assert!(weak.upgrade().is_none(), "it is not held any longer");
    assert!(text.part(0).await.unwrap().is_ok() && text.part(1).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn only_what_has_to_be_unpacked_and_can_be_had_from_disk_changes_its_form() {
    let forms = async |cache: &Cache<&'static str>, rows: usize| {
        make_long(cache, "Users", rows).await;
        cache.settle().await;
        ask(cache, "Users", Form::Text, 40).await;
        let entry = entry(cache, "Users").await;
        (entry.in_memory().is_some(), entry.plain().is_some())
    };
    let (packed, text, both) = ((true, false), (false, true), (true, true));
    let mut place = long_place();
    assert_eq!(forms(&place.cache(), ROWS).await, text);
    assert_eq!(forms(&place.cache(), 500).await, both, "short");
    // More text than an eighth of the memory.
    place.memory = (whole(ROWS).len() as u64 - 100) * 8;
    assert_eq!(forms(&place.cache(), ROWS).await, packed);
    place.memory = MEMORY;
    place.bytes_max = 1000;
    assert_eq!(forms(&place.cache(), ROWS).await, packed, "no room on disk");
    let settings = Settings {
        memory: MEMORY,
        spool: None,
        shelf: None,
    };
    let clock = Arc::clone(&place.clock) as Arc<dyn Clock>;
    let cache = Cache::new(settings, clock, Tasks::new());
    assert_eq!(forms(&cache, ROWS).await, packed, "no disk");
    let names = cache.tasks.names();
    assert!(names.is_empty(), "nothing is tried: {names:?}");
}

#[tokio::test(start_paused = true)]
async fn a_text_that_is_not_the_answers_own_is_not_given() {
    let place = long_place();
    let cache = place.cache();
    make_long(&cache, "Users", ROWS).await;
    cache.settle().await;
    ask(&cache, "Users", Form::Text, 4).await;
    let text = entry(&cache, "Users").await;
    let records = || {
        let record = |block: &Block| match block {
            Block::File(record) => record.clone(),
            Block::Memory(_) => panic!("in memory"),
        };
        text.blocks.iter().map(record).collect()
    };
    let with = |change: fn(&mut Facts)| {
        let mut facts = text.facts.clone();
        change(&mut facts);
        Entry::of_blocks(facts, Vec::new(), None, None).with_text(records())
    };
    assert!(text.with_text(records()).is_ok());
    assert!(text.with_text(Vec::new()).is_err());
    assert!(with(|_| {}).is_ok());
    assert!(with(|facts| facts.digests.text ^= 1).is_err());
    assert!(with(|facts| facts.digests.packed ^= 1).is_err());
    assert!(with(|facts| facts.text_len += 1).is_err());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_on_disk_now_is_tried_again_later() {
    let place = long_place();
    let cache = place.cache();
    make_long(&cache, "Users", ROWS).await;
    cache.settle().await;
    fs::rename(place.path(), place.folder.path().join("away")).unwrap();
    ask(&cache, "Users", Form::Text, 4).await;
    assert!(!is_text(&cache, "Users").await);
    fs::rename(place.folder.path().join("away"), place.path()).unwrap();
    ask(&cache, "Users", Form::Text, 19).await;
    assert!(!is_text(&cache, "Users").await);
    // The file was found missing once; a new answer has one.
    make_long(&cache, "Users", ROWS + 1).await;
    cache.settle().await;
    ask(&cache, "Users", Form::Text, 4).await;
    assert!(is_text(&cache, "Users").await);
}

/// What happens to an answer while it is brought into another form.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Event {
    Nothing,
    Purge,
    Replace,
    Evict,
}

impl Event {
    async fn happen(self, cache: &Cache<&'static str>) {
        match self {
            Self::Nothing => {}
            Self::Purge => assert_eq!(cache.purge(|_| true).await, 1),
            Self::Replace => make_long(cache, "Users", ROWS + 1).await,
            Self::Evict => evict(cache),
        }
    }

    /// The rows that are found afterwards.
    fn rows(self) -> Option<usize> {
        match self {
            Self::Nothing | Self::Evict => Some(ROWS),
            Self::Purge => None,
            Self::Replace => Some(ROWS + 1),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_purged_replaced_or_evicted_meanwhile_does_not_come_back() {
    for event in [Event::Nothing, Event::Purge, Event::Replace, Event::Evict] {
        for to in [Form::Text, Form::Packed] {
            for late in [false, true] {
                let case = format!("{event:?}, {to:?}, {late}");
                let place = long_place();
                let cache = place.cache();
                make_long(&cache, "Users", ROWS).await;
                cache.settle().await;
                if to == Form::Packed {
                    ask(&cache, "Users", Form::Text, 4).await;
                }
                let before = entry(&cache, "Users").await;
                if late {
                    // The new form is there, and its place is not any more.
                    let kept = cache.entries.get(&key("Users")).unwrap();
                    let new = match to {
                        Form::Text => {
                            let disk = cache.shelf.as_ref().unwrap();
                            disk.with_text(&key("Users"), &kept.entry).await.unwrap()
                        }
                        Form::Packed => kept.entry.without_text().await.unwrap(),
                    };
                    event.happen(&cache).await;
                    cache.replace(&key("Users"), &kept, Some(Arc::new(new)));
                } else {
                    for _ in 0..8 {
                        before.asked_for(to);
                    }
                    lookup(&cache, "Users").await.unwrap();
                    assert_eq!(cache.reshaping.available_permits(), 0, "{case}");
                    event.happen(&cache).await;
                    settled(&cache).await;
                }
                let rows = event.rows();
                let is_there = event == Event::Nothing || event == Event::Replace;
                assert_eq!(cache.size().0, u64::from(is_there), "{case}");
                let Some(rows) = rows else {
                    assert!(lookup(&cache, "Users").await.is_none(), "{case}");
                    assert!(place.files().is_empty(), "{case}");
                    continue;
                };
                let after = entry(&cache, "Users").await;
                let is_text = after.plain().is_some();
                let wanted = event == Event::Nothing && to == Form::Text;
                assert_eq!(is_text, wanted, "{case}");
                assert!(plain(&after) == whole(rows), "{case}");
                assert!(gunzip(&gzip(&after).await.unwrap()) == whole(rows));
                // Who had it before, has all of it.
                assert!(plain(&before) == whole(ROWS), "{case}");
                assert!(gunzip(&gzip(&before).await.unwrap()) == whole(ROWS));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_file_leaves_the_packed_form_in_memory() {
    let place = long_place();
    let cache = place.cache();
    make_long(&cache, "Users", ROWS).await;
    cache.settle().await;
    damage(&place);
    ask(&cache, "Users", Form::Text, 4).await;
    let entry = entry(&cache, "Users").await;
    assert!(entry.in_memory().is_some());
    assert!(plain(&entry) == whole(ROWS));
    assert!(
        place.files().is_empty(),
        "it would be found after a restart"
    );
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_damaged_later_cuts_off_who_takes_gzip_and_the_answer_is_packed_anew() {
    for asked_before in [false, true] {
        let place = long_place();
        let cache = place.cache();
        make_long(&cache, "Users", ROWS).await;
        cache.settle().await;
        ask(&cache, "Users", Form::Text, 4).await;
        damage(&place);
        let text = entry(&cache, "Users").await;
        if asked_before {
            assert!(gzip(&text).await.is_err());
        } else {
            ask(&cache, "Users", Form::Packed, 8).await;
        }
        assert!(place.files().is_empty(), "it is not found after a restart");
        assert!(plain(&text) == whole(ROWS), "who has it, has all of it");
        assert!(plain(&entry(&cache, "Users").await) == whole(ROWS));
        settled(&cache).await;
        let anew = entry(&cache, "Users").await;
        assert!(anew.in_memory().is_some() && anew.plain().is_none());
        assert!(plain(&anew) == whole(ROWS));
        let sent = gzip(&anew).await.unwrap();
        assert!(gunzip(&sent) == whole(ROWS));
        assert_eq!(anew.gzip_len_at(ROOT.len()), Some(sent.len() as u64));
        // Other bytes than before, and so another validator.
        assert_eq!(anew.facts.digests.text, text.facts.digests.text);
        assert_ne!(anew.facts.digests.packed, text.facts.digests.packed);
        // There is no file to put the packed form off to.
        ask(&cache, "Users", Form::Text, 40).await;
        assert!(!is_text(&cache, "Users").await);
    }
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_file_that_vanishes_is_held_open_for_those_who_take_gzip() {
    let place = long_place();
    let cache = place.cache();
    make_long(&cache, "Users", ROWS).await;
    cache.settle().await;
    ask(&cache, "Users", Form::Text, 4).await;
    fs::remove_file(place.file()).unwrap();
    let text = entry(&cache, "Users").await;
    assert!(plain(&text) == whole(ROWS));
    assert!(gunzip(&gzip(&text).await.unwrap()) == whole(ROWS));
    ask(&cache, "Users", Form::Packed, 8).await;
    let packed = entry(&cache, "Users").await;
    assert!(packed.in_memory().is_some() && plain(&packed) == whole(ROWS));
}

#[tokio::test(start_paused = true)]
async fn text_takes_the_room_that_there_is_and_no_other_answers() {
    let place = long_place();
    let cache = place.cache();
    let sets: Vec<String> = (0..40).map(|n| format!("Set{n}")).collect();
    for set in &sets {
        make_long(&cache, set, ROWS).await;
        cache.settle().await;
    }
    assert_eq!(cache.size().0, 40, "packed, all of them have room");
    for set in &sets {
        ask(&cache, set, Form::Text, 4).await;
        let (_, bytes) = cache.size();
        assert!(bytes <= MEMORY, "{bytes} bytes");
    }
    let (count, bytes) = cache.size();
    assert!(count == 40 && bytes > MEMORY / 2, "{count}, {bytes}");
    let mut texts = 0;
    for set in &sets {
        texts += u32::from(is_text(&cache, set).await);
    }
    assert!((1..40).contains(&texts), "{texts} as text");
    for set in &sets {
        assert!(plain(&entry(&cache, set).await) == whole(ROWS), "{set}");
    }
}
