//! Answers on disk: written, found again, dropped and forgotten.
