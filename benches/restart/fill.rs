//! Answers on disk without an upstream: the cache itself writes them.

use std::time::Duration;

use citrix_odata_proxy::app;
use citrix_odata_proxy::cache::{
    Cache, CacheKey, Content, Directives, Failure, Found, Lifetime, Settings, Wish,
};
use citrix_odata_proxy::clock::SystemClock;
use citrix_odata_proxy::config::Config;
use citrix_odata_proxy::odata::name::SiteId;
use citrix_odata_proxy::odata::neutral::NeutralText;
use citrix_odata_proxy::odata::question::Question;
use citrix_odata_proxy::odata::representation::Representation;
use citrix_odata_proxy::tasks::Tasks;

/// Nothing goes wrong here.
#[derive(Debug, Clone)]
struct Interrupted;

impl Failure for Interrupted {
    fn interrupted() -> Self {
        Self
    }

    fn is_trouble(&self) -> bool {
        true
    }

    fn retry_after(&self) -> Option<Duration> {
        None
    }
}

/// The question of that number, below the service root.
pub(crate) fn path(number: u32) -> String {
    format!(
        "Sessions?$filter={}&$top=1000",
        filter(number).replace(' ', "%20")
    )
}

/// About as long as those of reports.
fn filter(number: u32) -> String {
    format!(
        "StartDate ge 2026-01-01T00:00:00Z and StartDate lt 2026-02-01T00:00:00Z and UserId eq {number} and \
         ConnectionState ne 3"
    )
}

/// Writes so many answers into the folder that `config` names, which take so many bytes together.
pub(crate) fn fill(config: &Config, answers: u32, bytes: u64) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let settings = Settings {
            memory: 256 << 20,
            spool: None,
            shelf: app::shelf(config),
        };
        let cache = Cache::new(settings, SystemClock::shared(), Tasks::new());
        let noise = noise(usize::try_from(bytes / u64::from(answers)).unwrap() * LARGEST);
        for number in 0..answers {
            // Most are small, and few take most of the room.
            let part = match number % 10 {
                0 => LARGEST,
                1 => 4,
                _ => 1,
            };
            let text = noise.slice(..noise.len() * part * 10 / (LARGEST * SUM));
            write(&cache, number, text).await;
            if number % 100 == 0 {
                cache.settle().await;
            }
        }
        cache.settle().await;
        println!("answers and bytes on disk: {:?}", cache.disk_size());
    });
}

async fn write(cache: &Cache<Interrupted>, number: u32, text: bytes::Bytes) {
    let question = Question::parse("Sessions", None).unwrap();
    let question = question
        .with("$filter", &filter(number))
        .with("$top", "1000");
    let site = SiteId::new("main").unwrap();
    let key = CacheKey::new(site, question, Representation::default(), None);
    let wish = Wish {
        lifetime: Lifetime {
            fresh: Duration::from_hours(1),
            ..Lifetime::default()
        },
        directives: Directives::default(),
    };
    let found = cache.find(key, wish, |mut writer| async move {
        writer.begin(Content::Json(Representation::default()));
        let mut neutral = NeutralText::new();
        neutral.push(text);
        writer.push(neutral, 1).await;
        Ok(())
    });
    if let Found::Filling(mut coming) = found {
        while let Some(part) = coming.reader.next().await {
            part.unwrap();
        }
    }
}

/// Bytes that nothing makes smaller.
fn noise(len: usize) -> bytes::Bytes {
    let mut state = 7_u64;
    let byte = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let [.., last] = state.to_le_bytes();
        last
    };
    std::iter::repeat_with(byte)
        .take(len)
        .collect::<Vec<_>>()
        .into()
}

/// How much larger the largest answers are than the small ones.
const LARGEST: usize = 40;

/// Of ten answers together, in small ones.
const SUM: usize = 8 + 4 + LARGEST;
