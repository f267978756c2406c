//! How to get at the data: for each program the steps, and texts to copy with the real address in them.
//!
//! - [`programs`]: which programs there are; [`overview`]: a card for each; [`guides`]: a page for each;
//! - [`choice`]: what a visitor picked; [`target`]: that, with everything a text needs; [`picker`]: the form for it;
//! - [`texts`]: queries and settings in the language of each program, as text;
//! - [`pbids`]: connection files for Power BI Desktop;
//! - [`inquiries`]: which sets there are, asked for no longer than a page may take, and then without it;
//! - [`handlers`]: from a request to a page; with [`inquiries`] the only place here that asks the gateway.

mod choice;
mod guides;
mod handlers;
mod inquiries;
mod overview;
mod parts;
mod pbids;
mod picker;
mod programs;
mod target;
mod texts;

pub(super) use self::handlers::routes;
pub(super) use self::inquiries::Inquiries;
pub(super) use self::parts::sign_in;

#[cfg(test)]
mod tests;
