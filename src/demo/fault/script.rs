//! Decides which fault strikes a request.

use super::{Fault, FaultKind};

/// The faults that are left.
#[derive(Debug, Default)]
pub(crate) struct Script {
    armed: Vec<Armed>,
}

/// What a request is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'r> {
    /// A set, `$metadata`, `token`, or empty for the service document.
    pub(crate) resource: &'r str,
    /// None where there are no pages.
    pub(crate) page: Option<u64>,
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    seen: u64,
    left: u32,
}

impl Script {
    pub(crate) fn new(faults: Vec<Fault>) -> Self {
        Self {
            armed: faults
                .into_iter()
                .map(|fault| Armed {
                    left: fault.times,
                    seen: 0,
                    fault,
                })
                .collect(),
        }
    }

    /// The first fault that strikes; all of them count the request.
    pub(crate) fn strike(&mut self, asked: Asked<'_>) -> Option<FaultKind> {
        let mut struck = None;
        for armed in &mut self.armed {
            if armed.counts(asked) && struck.is_none() && armed.ready() {
                armed.left -= 1;
                struck = Some(armed.fault.kind.clone());
            }
        }
        struck
    }
}

impl Armed {
    fn counts(&mut self, asked: Asked<'_>) -> bool {
        let when = &self.fault.when;
        let fits = match &when.set {
            Some(set) => set.eq_ignore_ascii_case(asked.resource),
            None => asked.page.is_some(),
        } && when.page.is_none_or(|page| asked.page == Some(page));
        self.seen += u64::from(fits);
        fits
    }

    fn ready(&self) -> bool {
        let when = &self.fault.when;
        self.left > 0
            && when.nth.is_none_or(|nth| self.seen >= nth)
            && when
                .every
                .is_none_or(|every| self.seen.is_multiple_of(every.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(text: &str, asked: &[(&str, u64)]) -> Vec<bool> {
        let mut script = Script::new(vec![text.parse().unwrap()]);
        asked
            .iter()
            .map(|(resource, page)| {
                script
                    .strike(Asked {
                        resource,
                        page: Some(*page),
                    })
                    .is_some()
            })
            .collect()
    }

    #[test]
    fn strikes_by_page_number_and_turn() {
        let walk = [
            ("Sessions", 1),
            ("Users", 2),
            ("sessions", 2),
            ("Sessions", 2),
            ("Sessions", 3),
        ];
        assert_eq!(
            strikes("set=Sessions,page=2,kind=html", &walk),
            [false, false, true, false, false]
        );
        assert_eq!(
            strikes("page=2,times=2,kind=html", &walk),
            [false, true, true, false, false]
        );
        assert_eq!(
            strikes("nth=4,kind=html", &walk),
            [false, false, false, true, false]
        );
        assert_eq!(
            strikes("every=2,times=always,kind=html", &walk),
            [false, true, false, true, false]
        );
        assert_eq!(strikes("set=$metadata,kind=html", &walk), [false; 5]);
    }
}
