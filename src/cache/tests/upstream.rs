//! An upstream that does as it is told, and a client that takes what it is given.

use super::*;

/// Fresh for a minute; for 100 s more it is given at once, and for five minutes when there is no new one.
pub(super) const CLOCKS: Wish = Wish {
    lifetime: Lifetime {
        fresh: Duration::from_mins(1),
        while_revalidate: Duration::from_secs(100),
        if_error: Duration::from_mins(5),
    },
    directives: NONE,
};

/// Less than a second, so that it is always clear what comes first.
pub(super) const TAKES: Duration = Duration::from_millis(900);

/// What upstream does [`TAKES`] after it was asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Does {
    /// It answers with its number among all answers.
    Answers,
    /// It fails with this.
    Fails(&'static str),
    /// It answers in part, and fails with this a second later.
    Breaks(&'static str),
    /// It answers with so many incompressible kilobytes, one a second.
    Pours(usize),
}

/// A cache, and what it is filled from.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) cache: Cache<&'static str>,
    does: Arc<Mutex<Does>>,
    asked: Arc<AtomicUsize>,
}

impl Upstream {
    pub(super) fn new(cache: Cache<&'static str>) -> Self {
        Self {
            cache,
            does: Arc::new(Mutex::new(Does::Answers)),
            asked: Arc::default(),
        }
    }

    /// An answer is stored that is so many seconds old.
    pub(super) async fn with_answer_of(seconds: u64) -> Self {
        let upstream = Self::new(cache());
        assert_eq!(upstream.get(CLOCKS).await, Ok("answer 1".to_owned()));
        tokio::time::sleep(Duration::from_secs(seconds).saturating_sub(TAKES)).await;
        upstream
    }

    /// From now on it does this.
    pub(super) fn now(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    pub(super) fn find(&self, wish: Wish) -> Found<&'static str> {
        self.cache
            .find(key("Users"), wish, |writer| self.fill(writer))
    }

    /// What a client is told, and the answer, read to its end.
    pub(super) async fn ask(&self, wish: Wish) -> (String, Result<String, &'static str>) {
        let found = self.find(wish);
        (said(&found), answer(found).await)
    }

    /// The answer alone.
    pub(super) async fn get(&self, wish: Wish) -> Result<String, &'static str> {
        answer(self.find(wish)).await
    }

    fn fill(
        &self,
        writer: SpoolWriter<&'static str>,
    ) -> impl Future<Output = Result<(), &'static str>> + Send + 'static {
        let (does, asked) = (Arc::clone(&self.does), Arc::clone(&self.asked));
        async move {
            let number = asked.fetch_add(1, Ordering::Relaxed) + 1;
            tokio::time::sleep(TAKES).await;
            let does = *does.lock().unwrap();
            make(writer, does, number).await
        }
    }
}

async fn make(
    mut writer: SpoolWriter<&'static str>,
    does: Does,
    number: usize,
) -> Result<(), &'static str> {
    if let Does::Fails(error) = does {
        return Err(error);
    }
    writer.begin(Content::Text);
    match does {
        Does::Pours(parts) => {
            for _ in 0..parts {
                writer.room().await;
                writer.push(text(noise(1000)), 1).await;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            return Ok(());
        }
        Does::Answers | Does::Fails(_) | Does::Breaks(_) => {
            writer.push(text(format!("answer {number}")), 1).await;
        }
    }
    match does {
        Does::Breaks(error) => {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Err(error)
        }
        _ => Ok(()),
    }
}

/// What was found, in a few words, with the age of what is stored.
pub(super) fn said(found: &Found<&'static str>) -> String {
    let beside = |coming: &Coming<&'static str>| match coming.fallback {
        Some(_) => ", else the stale one",
        None => "",
    };
    match found {
        Found::Stored(hit) => {
            let age = hit.age.as_secs();
            match &hit.state {
                HitState::Fresh { remaining } => format!("{age}: fresh {}", remaining.as_secs()),
                HitState::Stale { over } => format!("{age}: stale {}", over.as_secs()),
                HitState::Failed { over, error } => {
                    format!("{age}: stale {}, {error}", over.as_secs())
                }
            }
        }
        Found::Filling(coming) => format!("asks{}", beside(coming)),
        Found::Joined(coming) => format!("waits{}", beside(coming)),
        Found::Absent => "absent".to_owned(),
    }
}

/// The answer, read to its end; the stale one in its place when that is allowed.
pub(super) async fn answer(found: Found<&'static str>) -> Result<String, &'static str> {
    let Coming {
        mut reader,
        fallback,
    } = match found {
        Found::Stored(hit) => return Ok(words(hit.entry.in_memory().unwrap())),
        Found::Absent => return Err("absent"),
        Found::Filling(coming) | Found::Joined(coming) => coming,
    };
    if let Err(error) = reader.begun().await {
        let fallback = fallback.filter(|_| error.is_trouble());
        let hit = fallback.and_then(|fallback| fallback.give(error));
        return hit
            .map(|hit| words(hit.entry.in_memory().unwrap()))
            .ok_or(error);
    }
    let mut words = String::new();
    while let Some(part) = reader.next().await {
        words += &self::words(&part?.text);
    }
    Ok(words)
}

fn words(packed: &Packed) -> String {
    let bytes = packed.to_bytes(&bytes::Bytes::new());
    String::from_utf8_lossy(&bytes).into_owned()
}
