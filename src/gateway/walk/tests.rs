//! Walks over odd pages.
