//! Citrix Cloud in a box.

mod estate;
mod model;
mod moment;
mod value;
