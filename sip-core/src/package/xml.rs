//! Reading and writing the small XML documents of event packages.

use roxmltree::{Document, Node, ParsingOptions};

use super::Error;

/// The most bytes and nodes of a document.
const BYTES: usize = 65_535;
const NODES: u32 = 4_096;

/// Parses a body and hands its root over, when that has this name.
pub(super) fn read<T>(
    body: &[u8],
    root: &'static str,
    read: impl FnOnce(Node<'_, '_>) -> Result<T, Error>,
) -> Result<T, Error> {
    if body.len() > BYTES {
        return Err(Error::Large);
    }
    let text = core::str::from_utf8(body).map_err(|_| Error::Utf8)?;
    // No DTD: entities would let a small document grow.
    let options =
        ParsingOptions { allow_dtd: false, nodes_limit: NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => Error::Large,
        error => Error::Xml(error.pos().row),
    })?;
    let element = document.root_element();
    if element.tag_name().name() != root {
        return Err(Error::Missing(root));
    }
    read(element)
}

/// The child elements with this name, of whatever namespace.
pub(super) fn children<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
}

/// The text of the first child with this name.
pub(super) fn text(node: Node<'_, '_>, name: &'static str) -> Option<String> {
    let text = children(node, name).next()?.text().unwrap_or_default();
    Some(text.trim().to_owned())
}

/// An attribute that must be there.
pub(super) fn need(node: Node<'_, '_>, name: &'static str) -> Result<String, Error> {
    node.attribute(name).map(str::to_owned).ok_or(Error::Missing(name))
}

/// A document under construction.
#[derive(Default)]
pub(super) struct Writer {
    text: String,
    open: Vec<&'static str>,
    /// Whether the last start tag waits for its `>`.
    pending: bool,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self { text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(), ..Self::default() }
    }

    pub(super) fn start(&mut self, name: &'static str) -> &mut Self {
        self.close_tag();
        self.text.push('<');
        self.text.push_str(name);
        self.open.push(name);
        self.pending = true;
        self
    }

    pub(super) fn attribute(&mut self, name: &str, value: &str) -> &mut Self {
        self.text.push(' ');
        self.text.push_str(name);
        self.text.push_str("=\"");
        self.escape(value);
        self.text.push('"');
        self
    }

    pub(super) fn optional(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        if let Some(value) = value {
            self.attribute(name, value);
        }
        self
    }

    pub(super) fn content(&mut self, text: &str) -> &mut Self {
        self.close_tag();
        self.escape(text);
        self
    }

    pub(super) fn end(&mut self) -> &mut Self {
        if let Some(name) = self.open.pop() {
            if core::mem::take(&mut self.pending) {
                self.text.push_str("/>");
            } else {
                self.text.push_str("</");
                self.text.push_str(name);
                self.text.push('>');
            }
        }
        self
    }

    /// An element with nothing but text.
    pub(super) fn element(&mut self, name: &'static str, text: &str) -> &mut Self {
        self.start(name).content(text).end()
    }

    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.text.push('\n');
        self.text
    }

    fn close_tag(&mut self) {
        if core::mem::take(&mut self.pending) {
            self.text.push('>');
        }
    }

    fn escape(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '&' => self.text.push_str("&amp;"),
                '"' => self.text.push_str("&quot;"),
                '\t' | '\n' | '\r' => self.text.push(' '),
                // XML 1.0 has no way to write these.
                '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
                other => self.text.push(other),
            }
        }
    }
}
