//! How many rows to ask for at once: fewer when upstream gives up, more again when it copes. Pure.
//!
//! A page that is too heavy is not asked for again as it is: upstream stops after 30 s whatever we do. Finding out how much it
//! bears is not held against the answer's budget.

/// Rows asked for at once.
#[derive(Debug, Clone)]
pub(super) struct PageSize {
    /// `None`: as many as upstream likes.
    limit: Option<u64>,
    /// Rows of a full page, as far as pages have shown.
    full: u64,
    /// Pages that came since the limit was last changed.
    good: u32,
    /// So many have to come before more is tried.
    patience: u32,
    /// Whether the limit was raised last, and not lowered.
    growing: bool,
}

impl PageSize {
    pub(super) fn new() -> Self {
        Self {
            limit: None,
            full: 0,
            good: 0,
            patience: PATIENCE_MIN,
            growing: false,
        }
    }

    /// What to write as `$top`, when it has to be less than what upstream would give by itself.
    pub(super) fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Rows that the next page may have, if no more than `wanted` are wanted.
    pub(super) fn rows(&self, wanted: Option<u64>) -> u64 {
        let rows = self.limit.unwrap_or_else(|| self.full());
        wanted.map_or(rows, |wanted| wanted.min(rows))
    }

    /// Notes a page of `rows` rows. `cut`: upstream has more of them.
    pub(super) fn came(&mut self, rows: u64, cut: bool) {
        let ours = self.limit.is_some_and(|limit| rows >= limit);
        if cut && !ours {
            self.full = self.full.max(rows);
        }
        let Some(limit) = self.limit else { return };
        self.good += 1;
        if self.good < self.patience {
            return;
        }
        self.good = 0;
        self.growing = true;
        let doubled = limit.saturating_mul(2);
        self.limit = (doubled < self.full()).then_some(doubled);
    }

    /// Upstream gave up on `rows` rows, more than one: half of them next.
    pub(super) fn too_heavy(&mut self, rows: u64) {
        // What was tried again and failed again, is tried less often.
        if self.growing {
            self.patience = (self.patience * 2).min(PATIENCE_MAX);
        }
        self.growing = false;
        self.good = 0;
        self.limit = Some((rows / 2).max(1));
    }

    /// A full page: the largest that was cut by upstream itself; before the first one what its documentation says.
    fn full(&self) -> u64 {
        if self.full == 0 {
            DOCUMENTED_ROWS
        } else {
            self.full
        }
    }
}

/// Rows of a full page, by the present edition of the service's documentation.
const DOCUMENTED_ROWS: u64 = 1000;

const PATIENCE_MIN: u32 = 2;
const PATIENCE_MAX: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks for pages of which those of more than `bearable` rows fail; returns the rows of all attempts.
    fn attempts(size: &mut PageSize, bearable: u64, count: usize) -> Vec<u64> {
        let attempt = |_| {
            let rows = size.rows(None);
            if rows > bearable {
                size.too_heavy(rows);
            } else {
                size.came(rows, true);
            }
            rows
        };
        (0..count).map(attempt).collect()
    }

    #[test]
    fn halves_until_it_works_and_grows_back_with_growing_patience() {
        let mut size = PageSize::new();
        assert_eq!(
            attempts(&mut size, 300, 14),
            [
                1000, 500, 250, 250, 500, 250, 250, 250, 250, 500, 250, 250, 250, 250
            ]
        );
    }

    #[test]
    fn what_passes_is_forgotten() {
        let mut size = PageSize::new();
        size.came(1000, true);
        assert_eq!(attempts(&mut size, 300, 4), [1000, 500, 250, 250]);
        assert_eq!(attempts(&mut size, 5000, 5), [500, 500, 1000, 1000, 1000]);
        assert_eq!(size.limit(), None);
    }

    #[test]
    fn pages_of_the_service_are_the_measure() {
        let mut size = PageSize::new();
        size.came(100, true);
        assert_eq!(size.rows(None), 100);
        assert_eq!(size.rows(Some(30)), 30);
        size.too_heavy(30);
        assert_eq!(size.rows(None), 15);
        size.too_heavy(1);
        assert_eq!(size.limit(), Some(1));
    }
}
