//! However much is asked, memory is bounded.

use super::*;

fn cache_of(memory: u64) -> Cache<&'static str> {
    let clock = FollowingClock::starting_at("2026-03-02T08:00:00Z".parse().unwrap());
    let settings = Settings {
        memory,
        spool: None,
        shelf: None,
    };
    Cache::new(settings, Arc::new(clock), Tasks::new())
}

#[tokio::test(start_paused = true)]
async fn any_number_of_questions_fits_into_the_memory_that_there_is() {
    const MEMORY: u64 = 1 << 18;
    const QUESTIONS: u64 = 20_000;
    let cache = cache_of(MEMORY);
    for n in 0..QUESTIONS {
        let key = key(&format!("Set{n}"));
        let found = cache.find(key, STORED, |mut writer| async move {
            writer.begin(Content::Text);
            writer.push(text("1"), 1).await;
            Ok(())
        });
        assert_eq!(read(found).await, Ok(1));
        if n % 1000 == 0 {
            let (count, bytes) = cache.size();
            assert!(bytes <= MEMORY, "{bytes} bytes for {count} of {n}");
        }
    }
    let (count, bytes) = cache.size();
    assert!(bytes <= MEMORY && bytes > MEMORY / 2, "{bytes}");
    // What an entry takes beside its text is counted.
    assert!(count < MEMORY / 100, "{count}");
    assert_eq!(cache.counts().evictions + count, QUESTIONS);
    assert_eq!(cache.fills_running(), 0);
    assert_eq!(cache.space.allowance.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_larger_than_all_memory_is_passed_on_and_takes_nobodys_place() {
    let cache = cache_of(64_000);
    let small = |set: &str| cache.find(key(set), STORED, |writer| write(writer, 1));
    assert_eq!(read(small("Users")).await, Ok(1));
    let ask = || cache.find(key("Sessions"), STORED, |writer| write(writer, 100));
    for _ in 0..2 {
        let found = ask();
        assert!(matches!(found, Found::Filling(_)));
        assert_eq!(read(found).await, Ok(100));
    }
    assert!(matches!(small("Users"), Found::Stored(_)));
    assert_eq!(cache.size().0, 1);
    assert_eq!(cache.counts().evictions, 0);
}
