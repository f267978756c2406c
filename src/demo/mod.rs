//! Citrix Cloud in a box.
