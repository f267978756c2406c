//! A local OData server in front of the Citrix Monitor Service.

pub mod clock;
pub mod demo;
pub mod tasks;
