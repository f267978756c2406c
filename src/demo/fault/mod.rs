//! What goes wrong, and when.

mod script;
mod text;

use std::time::Duration;

use super::knobs::ThrottleShape;

pub(crate) use self::script::{Asked, Script};
pub use self::text::FaultError;

/// Something that goes wrong with some requests.
///
/// Written as `page=6,set=Sessions,times=1,kind=throttled,retry-after=1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The requests it can strike.
    pub when: Match,
    /// How often it strikes.
    pub times: u32,
    /// What happens.
    pub kind: FaultKind,
}

/// Which requests; every condition that is present must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Match {
    /// The entity set; `$metadata` and `token` are the other two resources with a name. Without it, any
    /// request for rows.
    pub set: Option<String>,
    /// The page of a walk through the set, from 1, told from `$skip`.
    pub page: Option<u64>,
    /// From the nth request on that fits the rest, counted from 1 since the script was set.
    pub nth: Option<u64>,
    /// Every so many requests that fit the rest.
    pub every: Option<u64>,
}

/// What happens to a request that is struck.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// 401, as for an expired token.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 429 at once.
    Throttled {
        /// Seconds, in the header or in the body.
        retry_after: Option<u64>,
        /// Which body; the simulator's own when absent.
        shape: Option<ThrottleShape>,
    },
    /// This status, as a problem form.
    Status {
        /// For instance 500, 502, 503 or 504.
        status: u16,
        /// Seconds, in the header.
        retry_after: Option<u64>,
    },
    /// Takes this much longer.
    Slow(Duration),
    /// Never answers.
    Hang,
    /// The connection breaks after so many bytes of the body.
    CutBody {
        /// How many bytes arrive.
        after_bytes: usize,
    },
    /// The body ends as if complete after so many bytes.
    CutClean {
        /// How many bytes arrive.
        after_bytes: usize,
    },
    /// A body of the right length that is no JSON.
    Malformed,
    /// A web page, with status 200.
    Html,
    /// The next link is that of the present page.
    LoopLink,
    /// The next link leads to another host.
    ForeignHost,
    /// The next link leads to another path of the same host.
    ForeignPath,
    /// No rows, and a next link that goes on where this page should have begun.
    EmptyPage,
    /// Only so many rows; the next link goes on behind them.
    ShortPage {
        /// How many rows.
        rows: usize,
    },
    /// The next link is relative.
    RelativeLink,
    /// The next link says `$skiptoken` in place of `$skip`.
    SkipTokenLink,
    /// The next link comes before the rows.
    LinkBeforeValue,
    /// The next link writes its dollar signs as `%24`.
    EncodedLink,
    /// The next link has lost its `$filter`.
    DropsFilter,
    /// All tokens expire once this page is made.
    ExpireToken,
    /// The context says that these are rows of another set.
    DifferentContext,
}

impl Fault {
    /// Strikes once, when this page of this set is asked for.
    pub fn on_page(set: impl Into<String>, page: u64, kind: FaultKind) -> Self {
        Self {
            when: Match {
                set: Some(set.into()),
                page: Some(page),
                ..Match::default()
            },
            times: 1,
            kind,
        }
    }
}
