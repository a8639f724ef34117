//! XML as EC2, Route 53 and STS write it: elements without attributes, and in EC2
//! lists of `item`s. That is too little to need a library for.

use std::fmt::{Display, Write};

/// XML that is being written.
#[derive(Debug, Default)]
pub(super) struct Xml(String);

impl Xml {
    pub(super) fn document() -> Xml {
        Xml("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned())
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    /// Adds what was written elsewhere.
    pub(super) fn append(&mut self, other: &Xml) {
        self.0.push_str(&other.0);
    }

    pub(super) fn open(&mut self, name: &str, namespace: Option<&str>) {
        self.0.push('<');
        self.0.push_str(name);
        if let Some(namespace) = namespace {
            self.0.push_str(" xmlns=\"");
            self.0.push_str(namespace);
            self.0.push('"');
        }
        self.0.push('>');
    }

    pub(super) fn close(&mut self, name: &str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }

    /// An element with elements in it.
    pub(super) fn node(&mut self, name: &str, content: impl FnOnce(&mut Xml)) {
        self.open(name, None);
        content(self);
        self.close(name);
    }

    /// An element with a value in it.
    pub(super) fn leaf(&mut self, name: &str, value: impl Display) {
        self.open(name, None);
        self.text(value);
        self.close(name);
    }

    /// An element that is left out if there is no value.
    pub(super) fn maybe(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.leaf(name, value);
        }
    }

    /// A list of structures.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        write: impl Fn(&mut Xml, T),
    ) {
        self.node(name, |xml| {
            for item in items {
                xml.node("item", |xml| write(xml, item));
            }
        });
    }

    /// A list of values.
    pub(super) fn values<T: Display>(&mut self, name: &str, items: impl IntoIterator<Item = T>) {
        self.list(name, items, Xml::text);
    }

    fn text(&mut self, value: impl Display) {
        // Writing to a text cannot fail.
        let _ = write!(Escape(&mut self.0), "{value}");
    }
}

/// Writes text so that it stays text.
struct Escape<'a>(&'a mut String);

impl Write for Escape<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&apos;"),
                '\r' => self.0.push_str("&#13;"),
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Xml;

    #[test]
    fn signs_of_the_language_are_escaped_in_values() {
        let mut xml = Xml::default();
        xml.leaf("value", "a<b & 'c' > \"d\"");
        assert_eq!(
            xml.into_text(),
            "<value>a&lt;b &amp; &apos;c&apos; &gt; &quot;d&quot;</value>"
        );
    }
}
