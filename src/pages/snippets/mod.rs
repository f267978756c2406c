//! A query as text to paste: Power Query M, PowerShell, Python, curl. Pure.
//!
//! Whatever a query holds, it stays one literal of the language: nothing in it can end a quote and go on as a program.

mod curl;
mod m;
mod powershell;
mod python;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub(in crate::pages) use curl::curl;
pub(in crate::pages) use m::{m, text as m_text};
pub(in crate::pages) use powershell::{KEY as POWERSHELL_KEY, powershell, text as powershell_text};
pub(in crate::pages) use python::{access as python_access, python, text as python_text};

/// A query of one entity set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pages) struct Feed {
    /// The service root, without a slash at its end: `http://localhost:8484/monitorodata`.
    pub root: String,
    /// The entity set, not encoded; empty for the service itself.
    pub set: String,
    /// Options in their order, not encoded: `$filter`, `ConnectionState eq 5`. No name comes twice.
    pub query: Vec<(String, String)>,
    /// Whether clients have to present an access key: texts then say where it goes.
    pub keys: bool,
}

impl Feed {
    /// The address without the query.
    pub(in crate::pages) fn resource(&self) -> String {
        if self.set.is_empty() {
            return self.root.clone();
        }
        let set = utf8_percent_encode(&self.set, PLAIN);
        format!("{}/{set}", self.root)
    }

    /// The address with the query, for a browser and for texts that are quoted with `'`.
    pub(in crate::pages) fn url(&self) -> String {
        self.encoded(PLAIN)
    }

    /// The address in a form that every shell takes between double quotes.
    fn shell_url(&self) -> String {
        self.encoded(SHELL)
    }

    fn encoded(&self, plain: &'static AsciiSet) -> String {
        let encode = |text: &str| utf8_percent_encode(text, plain).to_string();
        let option =
            |(name, value): &(String, String)| format!("{}={}", encode(name), encode(value));
        let options: Vec<String> = self.query.iter().map(option).collect();
        let resource = self.resource();
        if options.is_empty() {
            return resource;
        }
        format!("{resource}?{}", options.join("&"))
    }
}

/// What needs no encoding in a query: unreserved characters, and those that OData uses and no quote ends at.
const PLAIN: &AsciiSet = &SHELL
    .remove(b'$')
    .remove(b'(')
    .remove(b')')
    .remove(b',')
    .remove(b':')
    .remove(b'/');
/// What needs no encoding in any shell: unreserved characters (RFC 3986).
const SHELL: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[cfg(test)]
mod tests;
