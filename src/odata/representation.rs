//! How an answer is to be written: `$format` and `Accept` (OData JSON Format 4.0, section 3).

/// The choices of a JSON answer that change its bytes. Part of every cache key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Representation {
    /// `odata.metadata`.
    pub metadata: MetadataLevel,
    /// `IEEE754Compatible=true`: 64-bit numbers as strings.
    pub ieee754_compatible: bool,
    /// `ExponentialDecimals=true`.
    pub exponential_decimals: bool,
}

/// How much control information a JSON answer carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum MetadataLevel {
    /// `odata.metadata=none`.
    None,
    /// `odata.metadata=minimal`, the default.
    #[default]
    Minimal,
    /// `odata.metadata=full`.
    Full,
}
