//! csdl
