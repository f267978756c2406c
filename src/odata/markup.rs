//! XML elements with their places in the text, so that some can be cut and all other bytes left alone.

use std::ops::Range;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// Why a document cannot be read as CSDL.
#[derive(Debug, thiserror::Error)]
pub enum CsdlError {
    /// Bytes that are not UTF-8.
    #[error("`$metadata` is not UTF-8 text")]
    NotUtf8(#[source] std::str::Utf8Error),
    /// Not well-formed XML.
    #[error("`$metadata` is not well-formed XML at byte {position}")]
    Xml {
        /// Where.
        position: usize,
        /// What the XML reader says.
        #[source]
        source: Box<quick_xml::Error>,
    },
    /// The document ends inside an element.
    #[error("`$metadata` is cut off: `{element}` is not closed")]
    CutOff {
        /// The innermost open element.
        element: String,
    },
    /// The document has text where only elements can be.
    #[error("`$metadata` is not well-formed XML: stray text at byte {position}")]
    Stray {
        /// Where.
        position: usize,
    },
    /// XML without a single CSDL schema.
    #[error("the document holds no CSDL schema")]
    NoSchema,
}

/// An element, at its place in the text.
#[derive(Debug)]
pub(super) struct Element {
    /// Its name without the namespace prefix.
    pub(super) name: String,
    /// Attributes as local name and value.
    attributes: Vec<(String, String)>,
    /// Index of the element around it.
    pub(super) parent: Option<usize>,
    /// The bytes from the beginning of its first to the end of its last tag.
    pub(super) span: Range<usize>,
}

impl Element {
    /// The value of an attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let (_, value) = self.attributes.iter().find(|(other, _)| other == name)?;
        Some(value)
    }
}

/// All elements of a document in the order of their first tags.
#[derive(Debug)]
pub(super) struct Markup<'a> {
    text: &'a str,
    /// See [`Markup`].
    pub(super) elements: Vec<Element>,
}

impl<'a> Markup<'a> {
    /// Reads a whole document.
    pub(super) fn read(xml: &'a [u8]) -> Result<Self, CsdlError> {
        let text = str::from_utf8(xml).map_err(CsdlError::NotUtf8)?;
        // The XML reader would skip the byte order mark but not count it.
        let marked = text.strip_prefix('\u{feff}').unwrap_or(text);
        let offset = text.len() - marked.len();
        let mut reader = Reader::from_str(marked);
        let mut elements: Vec<Element> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        let mut stray = None;
        loop {
            let start = offset + position(&reader);
            let fault = |position, source| CsdlError::Xml {
                position,
                source: Box::new(source),
            };
            let event = reader.read_event().map_err(|source| fault(start, source))?;
            let end = offset + position(&reader);
            match event {
                Event::Start(tag) => {
                    let parent = open.last().copied();
                    open.push(elements.len());
                    elements.push(element(&tag, parent, start..end).map_err(|e| fault(start, e))?);
                }
                Event::Empty(tag) => {
                    let parent = open.last().copied();
                    elements.push(element(&tag, parent, start..end).map_err(|e| fault(start, e))?);
                }
                Event::End(_) => {
                    if let Some(closed) = open.pop().and_then(|index| elements.get_mut(index)) {
                        closed.span.end = end;
                    }
                }
                // The XML reader is content with anything around the root element.
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) if open.is_empty() => {
                    let blank = text.get(start..end).unwrap_or_default().trim().is_empty();
                    stray = stray.or((!blank).then_some(start));
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let unclosed = open.last().and_then(|index| elements.get(*index));
        match (unclosed, stray) {
            (Some(unclosed), _) => Err(CsdlError::CutOff {
                element: unclosed.name.clone(),
            }),
            (None, Some(position)) if !elements.is_empty() => Err(CsdlError::Stray { position }),
            (None, _) => Ok(Self { text, elements }),
        }
    }

    /// The element around another.
    pub(super) fn parent(&self, element: &Element) -> Option<&Element> {
        self.elements.get(element.parent?)
    }

    /// The elements directly inside the one at `index`.
    pub(super) fn children(&self, index: usize) -> impl Iterator<Item = &Element> {
        let inside = move |element: &&Element| element.parent == Some(index);
        let end = self.elements.get(index).map_or(0, |e| e.span.end);
        self.elements
            .iter()
            .skip(index + 1)
            .take_while(move |element| element.span.start < end)
            .filter(inside)
    }

    /// An element as it is written.
    pub(super) fn source(&self, element: &Element) -> &'a str {
        self.text.get(element.span.clone()).unwrap_or_default()
    }

    /// The text without the elements that `doomed` picks; an element inside another such is not asked for.
    pub(super) fn cut(&self, doomed: impl Fn(usize, &Element) -> bool) -> Vec<u8> {
        let mut kept = String::with_capacity(self.text.len());
        let mut done = 0;
        for (index, element) in self.elements.iter().enumerate() {
            if element.span.start >= done && doomed(index, element) {
                kept.push_str(self.text.get(done..element.span.start).unwrap_or_default());
                done = element.span.end;
            }
        }
        kept.push_str(self.text.get(done..).unwrap_or_default());
        kept.into_bytes()
    }
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn element(
    tag: &BytesStart<'_>,
    parent: Option<usize>,
    span: Range<usize>,
) -> Result<Element, quick_xml::Error> {
    let attributes = tag
        .attributes()
        .map(|attribute| {
            let attribute = attribute?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0)?;
            let name = attribute.key.local_name();
            Ok((name.as_ref().to_owned(), value.into_owned()))
        })
        .collect::<Result<_, quick_xml::Error>>()?;
    Ok(Element {
        name: tag.local_name().as_ref().to_owned(),
        attributes,
        parent,
        span,
    })
}
