//! What is counted about requests.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::refusal::Refusal;

/// Counts of requests.
#[derive(Debug)]
pub struct Metrics {
    requests: Family<RequestLabels, Counter>,
    batch_requests: Family<RequestLabels, Counter>,
    duration: Histogram,
    age: Histogram,
    body_bytes: Family<OutcomeLabel, Counter>,
    rows: Counter,
    cut: Counter,
    refused: Family<ReasonLabel, Counter>,
}

/// A word of a closed set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

/// A word of a closed set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

/// Both are words of closed sets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    outcome: &'static str,
    status_class: &'static str,
}

/// A request that is over.
#[derive(Debug)]
pub(crate) struct Finished {
    /// `Outcome::as_str`; `none` when the gateway gave no answer.
    pub outcome: &'static str,
    /// Its status, when it came to one.
    pub status: Option<u16>,
    /// Of the stored answer that it was given, since that was asked for.
    pub age: Option<Duration>,
    /// From its head to the end of its body.
    pub duration: Duration,
    /// Of its body.
    pub bytes: u64,
    /// In its body.
    pub rows: u64,
    /// Whether the body was cut because the answer could not be completed.
    pub cut: bool,
}

impl Metrics {
    /// Registers the metrics under `web_`.
    pub fn new(registry: &mut Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            batch_requests: Family::default(),
            duration: Histogram::new(DURATION_BUCKETS),
            age: Histogram::new(AGE_BUCKETS),
            body_bytes: Family::default(),
            rows: Counter::default(),
            cut: Counter::default(),
            refused: Family::default(),
        };
        for refusal in Refusal::ALL {
            drop(metrics.refused(refusal));
        }
        let registry = registry.sub_registry_with_prefix("web");
        registry.register("requests", "Requests", metrics.requests.clone());
        registry.register(
            "batch_requests",
            "Requests within batches that were answered",
            metrics.batch_requests.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "Time from a request's head to the end of its answer's body",
            Unit::Seconds,
            metrics.duration.clone(),
        );
        registry.register_with_unit(
            "answer_age",
            "Age of stored answers when they were given",
            Unit::Seconds,
            metrics.age.clone(),
        );
        registry.register_with_unit(
            "body",
            "Bytes of bodies sent, as encoded",
            Unit::Bytes,
            metrics.body_bytes.clone(),
        );
        registry.register("rows", "Rows sent", metrics.rows.clone());
        registry.register(
            "answers_cut",
            "Answers whose connection was cut because they could not be completed",
            metrics.cut.clone(),
        );
        registry.register(
            "refused",
            "Connections and requests that were refused by the rules for access and by limits",
            metrics.refused.clone(),
        );
        metrics
    }

    /// The counter of what is refused for this reason. Some of it never becomes a request: its counter is for whoever sees it.
    pub fn refused(&self, refusal: Refusal) -> Counter {
        let reason = refusal.as_str();
        self.refused.get_or_create_owned(&ReasonLabel { reason })
    }

    /// Counts a request that is over.
    pub(crate) fn count(&self, request: &Finished) {
        let labels = RequestLabels {
            outcome: request.outcome,
            status_class: status_class(request.status),
        };
        self.requests.get_or_create(&labels).inc();
        self.duration.observe(request.duration.as_secs_f64());
        if let Some(age) = request.age {
            self.age.observe(age.as_secs_f64());
        }
        let labels = OutcomeLabel {
            outcome: request.outcome,
        };
        self.body_bytes.get_or_create(&labels).inc_by(request.bytes);
        self.rows.inc_by(request.rows);
        self.cut.inc_by(request.cut.into());
    }

    /// Counts requests of one batch that had the same outcome and status.
    pub(crate) fn count_in_batch(&self, outcome: &'static str, status: u16, count: u64) {
        let labels = RequestLabels {
            outcome,
            status_class: status_class(Some(status)),
        };
        self.batch_requests.get_or_create(&labels).inc_by(count);
    }
}

fn status_class(status: Option<u16>) -> &'static str {
    match status.map(|status| status / 100) {
        Some(1) => "1xx",
        Some(2) => "2xx",
        Some(3) => "3xx",
        Some(4) => "4xx",
        Some(_) => "5xx",
        None => "none",
    }
}

/// From a stored answer to the longest that Power Query waits.
const DURATION_BUCKETS: [f64; 11] = [
    0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0,
];

/// From a second to a week: the longest that the default rules let an answer be given. The steps between are an hour's
/// and a day's parts, and the times of these rules: 5 min, 15 min, 30 min, 1 h, 6 h, 1 d.
const AGE_BUCKETS: [f64; 13] = [
    1.0, 10.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 21_600.0, 43_200.0, 86_400.0, 259_200.0,
    604_800.0,
];

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    #[test]
    fn counts_requests() {
        let mut registry = Registry::default();
        let metrics = Metrics::new(&mut registry);
        let finished = |outcome, age: Option<u64>| Finished {
            outcome,
            status: Some(200),
            age: age.map(Duration::from_secs),
            duration: Duration::from_millis(10),
            bytes: 77,
            rows: 3,
            cut: false,
        };
        metrics.count(&finished("hit", Some(61)));
        metrics.count(&finished("stale", Some(700_000)));
        metrics.count(&finished("miss", None));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "web_requests_total{outcome=\"hit\",status_class=\"2xx\"} 1",
            "web_request_duration_seconds_bucket{le=\"0.02\"} 3",
            "web_answer_age_seconds_bucket{le=\"60.0\"} 0",
            "web_answer_age_seconds_bucket{le=\"300.0\"} 1",
            "web_answer_age_seconds_bucket{le=\"604800.0\"} 1",
            "web_answer_age_seconds_count 2",
            "web_body_bytes_total{outcome=\"miss\"} 77",
            "web_body_bytes_total{outcome=\"stale\"} 77",
            "web_rows_total 9",
            "web_answers_cut_total 0",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }
}
