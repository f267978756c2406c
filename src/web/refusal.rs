//! Why a request was refused for what it is, before anybody looked for an answer. Words for a counter: none is a client's text.

/// A rule that a request did not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// More connections than one address may have.
    Connections,
    /// A head that is too long (HTTP/1.1).
    HeadTooLong,
    /// Faster than one client may ask.
    Pace,
    /// Under a host name that is not ours.
    Host,
    /// From a page of another origin.
    CrossSite,
    /// A page of an origin that is not listed asks whether it may ask.
    Cors,
    /// Without the access key that is wanted.
    NoKey,
    /// With an access key that is not known.
    WrongKey,
    /// With one that is for other sites.
    OtherSite,
    /// With one that is not known, after too many of them.
    TooManyWrongKeys,
    /// A question that is too long.
    QuestionTooLong,
    /// A body that is too large.
    BodyTooLarge,
}

impl Refusal {
    /// All of them, so that each is counted from zero on.
    pub(super) const ALL: [Self; 12] = [
        Self::Connections,
        Self::HeadTooLong,
        Self::Pace,
        Self::Host,
        Self::CrossSite,
        Self::Cors,
        Self::NoKey,
        Self::WrongKey,
        Self::OtherSite,
        Self::TooManyWrongKeys,
        Self::QuestionTooLong,
        Self::BodyTooLarge,
    ];

    /// As the label `reason` says it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::HeadTooLong => "head_too_long",
            Self::Pace => "pace",
            Self::Host => "host",
            Self::CrossSite => "cross_site",
            Self::Cors => "cors",
            Self::NoKey => "no_key",
            Self::WrongKey => "wrong_key",
            Self::OtherSite => "other_site",
            Self::TooManyWrongKeys => "too_many_wrong_keys",
            Self::QuestionTooLong => "question_too_long",
            Self::BodyTooLarge => "body_too_large",
        }
    }
}
