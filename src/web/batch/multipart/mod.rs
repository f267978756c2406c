//! The multipart format (OData 4.01 Protocol, section 11.7.7): HTTP messages as parts of a `multipart/mixed`.

mod head;
mod read;
mod write;

pub(crate) use self::read::read;
pub(crate) use self::write::Writer;
