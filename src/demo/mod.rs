//! Citrix Cloud in a box: a router that behaves like the token endpoint and the Monitor OData service.
//!
//! - It shares nothing with the rest of the program but the clock: no parser, no evaluator. A mistake made
//!   there cannot cancel itself out here.
//! - The estate is made up from a seed, row by row, when somebody asks; see [`estate`].
//! - What goes wrong is scripted; see [`Fault`]. What is always awkward is a knob; see [`Knobs`].
//! - A query sees one moment of the estate; see [`view`]. Sessions may arrive between two queries.
//!
//! It does not know who is asking: the proxy, a test, or a person with a browser.

mod answer;
mod arrivals;
mod cloud;
mod csdl;
mod effort;
mod envelope;
mod estate;
mod fault;
mod figures;
mod gate;
mod knobs;
mod link;
mod model;
mod moment;
mod narrow;
mod page;
mod query;
mod question;
mod reply;
mod resource;
mod rows;
mod serve;
mod simulator;
mod stats;
#[cfg(test)]
mod tests;
mod tokens;
mod value;
mod view;
mod walk;

pub use self::fault::{Fault, FaultError, FaultKind, Match};
pub use self::knobs::{BadClient, ExpiresIn, Knobs, ThrottleShape, TimeLimitShape};
pub use self::simulator::Simulator;
pub use self::stats::{LoggedRequest, Stats};

/// Where the service lives on its host.
const ROOT: &str = "/monitorodata";
