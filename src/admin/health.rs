//! Ready, or not and why.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

use super::Desk;
use super::json::json;
use crate::gateway::{AuthState, GatewayStatus};

/// `GET /readyz`.
pub(super) async fn ready(State(desk): State<Desk>) -> Response {
    let mut readiness = Readiness::of(&desk.shared.watched.status());
    if !desk.shared.settings.open_reasons {
        readiness.sites.clear();
    }
    let status = if readiness.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    json(status, &readiness)
}

/// Whether questions can be expected to be answered.
#[derive(Debug, Serialize)]
pub(super) struct Readiness {
    /// Whether all sites are.
    pub ready: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    sites: BTreeMap<String, SiteReadiness>,
}

#[derive(Debug, Serialize)]
struct SiteReadiness {
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Readiness {
    /// Every site must be.
    pub(super) fn of(status: &GatewayStatus) -> Self {
        let site = |token: &AuthState| SiteReadiness {
            ready: is_ready(token),
            reason: match token {
                AuthState::None | AuthState::Valid { .. } => None,
                AuthState::Failed { explanation } => Some(explanation.clone()),
            },
        };
        let sites: BTreeMap<String, SiteReadiness> = status
            .sites
            .iter()
            .map(|status| (status.site.to_string(), site(&status.token)))
            .collect();
        let ready = sites.values().all(|site| site.ready);
        Self { ready, sites }
    }
}

/// Whether a site with such a token is: it has one, or may well get one, because none was needed so far.
pub(super) fn is_ready(token: &AuthState) -> bool {
    match token {
        AuthState::None | AuthState::Valid { .. } => true,
        AuthState::Failed { .. } => false,
    }
}
