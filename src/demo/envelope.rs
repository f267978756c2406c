//! A page as a JSON document, with what a fault does to it.

use std::borrow::Cow;

use super::answer::{Next, Page};
use super::fault::FaultKind;
use super::link;
use super::page::{Detail, Style};
use super::query::Pairs;
use super::value::{write_integer, write_text};

/// The question that a page answers.
#[derive(Debug)]
pub(crate) struct Envelope<'q> {
    pub(crate) style: &'q Style,
    /// The path below the root, as it was asked for.
    pub(crate) path: &'q str,
    pub(crate) asked: &'q Pairs,
    /// What this page skipped.
    pub(crate) skip: u64,
    pub(crate) fault: Option<&'q FaultKind>,
}

impl Envelope<'_> {
    /// The whole body.
    pub(crate) fn body(&self, page: &Page) -> Vec<u8> {
        let mut out = Vec::with_capacity(page.rows.len() + 512);
        let next = self.next_link(page.next);
        out.push(b'{');
        if self.style.detail != Detail::None {
            let context = match self.fault {
                Some(FaultKind::DifferentContext) => Cow::Borrowed("SomethingElse"),
                _ => Cow::Borrowed(page.context.as_str()),
            };
            member("@odata.context", &mut out);
            write_text(
                &format!("{}/$metadata#{context}", self.style.root),
                &mut out,
            );
            out.push(b',');
        }
        if let Some(total) = page.total {
            member("@odata.count", &mut out);
            write_integer(i64::try_from(total).unwrap_or(i64::MAX), &mut out);
            out.push(b',');
        }
        let link_first = self.fault == Some(&FaultKind::LinkBeforeValue);
        if let (true, Some(next)) = (link_first, &next) {
            member("@odata.nextLink", &mut out);
            write_text(next, &mut out);
            out.push(b',');
        }
        out.extend_from_slice(b"\"value\":[");
        out.extend_from_slice(&page.rows);
        out.push(b']');
        if let (false, Some(next)) = (link_first, &next) {
            out.push(b',');
            member("@odata.nextLink", &mut out);
            write_text(next, &mut out);
        }
        out.push(b'}');
        out
    }

    fn next_link(&self, next: Option<Next>) -> Option<String> {
        let here = format!("{}/{}", self.style.root, self.path);
        // These two make a link where there should be none.
        match self.fault {
            Some(FaultKind::LoopLink) => return Some(format!("{here}?{}", self.present())),
            Some(FaultKind::ForeignHost) => {
                return Some(format!(
                    "https://evil.example/other/{}?$skip=1000",
                    self.path
                ));
            }
            _ => {}
        }
        let Next { skip, top } = next?;
        let query = link::next(self.asked, skip, top);
        Some(match self.fault {
            Some(FaultKind::ForeignPath) => {
                format!("{}-other/{}?{query}", self.style.root, self.path)
            }
            Some(FaultKind::RelativeLink) => format!("{}?{query}", self.path),
            Some(FaultKind::SkipTokenLink) => {
                format!(
                    "{here}?{}",
                    link::with(self.asked, &format!("$skiptoken={skip}"), top)
                )
            }
            Some(FaultKind::EmptyPage) => format!("{here}?{}", self.same_place(skip, top)),
            Some(FaultKind::EncodedLink) => format!("{here}?{}", query.replace('$', "%24")),
            Some(FaultKind::DropsFilter) => {
                let mut kept = self.asked.clone();
                kept.0
                    .retain(|(name, _)| !name.eq_ignore_ascii_case("$filter"));
                format!("{here}?{}", link::next(&kept, skip, top))
            }
            _ => format!("{here}?{query}"),
        })
    }

    /// The query string of this very page, in the form of a next link.
    fn present(&self) -> String {
        let top = self.asked.value("$top").and_then(|top| top.parse().ok());
        link::next(self.asked, self.skip, top)
    }

    /// The place where this page began, said in another way than this page's own link does.
    fn same_place(&self, skip: u64, top: Option<u64>) -> String {
        match self.asked.value("$skip") {
            Some(_) => link::with(self.asked, &format!("$skiptoken={skip}"), top),
            None => link::next(self.asked, skip, top),
        }
    }
}

fn member(name: &str, out: &mut Vec<u8>) {
    write_text(name, out);
    out.push(b':');
}
