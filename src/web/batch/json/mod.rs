//! The JSON format (OData 4.01 JSON Format, section 19).

mod read;
mod write;

pub(crate) use self::read::read;
pub(crate) use self::write::Writer;
