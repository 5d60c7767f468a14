//! What does an answer in XML say? Its elements as a tree. The tokens are read by the library that the SDK reads XML with, which
//! is linked already: a reader of trees from elsewhere would be one more in each package, for this file's hundred lines.

use xmlparser::{ElementEnd, Token, Tokenizer};

/// Deepest element that is read; no answer of AWS comes near it.
const DEPTH_MAX: usize = 32;

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// Reads a document; why it can't be read.
    pub(crate) fn read(document: &str) -> Result<Self, String> {
        let mut open: Vec<Element> = Vec::new();
        for token in Tokenizer::from(document) {
            match token.map_err(|error| error.to_string())? {
                Token::ElementStart { local, .. } if open.len() < DEPTH_MAX => {
                    open.push(Self { name: local.as_str().to_owned(), ..Self::default() });
                }
                Token::ElementStart { .. } => {
                    return Err(format!("its elements are nested more than {DEPTH_MAX} deep"));
                }
                Token::Text { text } | Token::Cdata { text, .. } => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&plain(text.as_str()));
                    }
                }
                Token::ElementEnd { end: ElementEnd::Empty | ElementEnd::Close(..), .. } => {
                    let Some(closed) = open.pop() else {
                        return Err("it closes an element that is not open".to_owned());
                    };
                    match open.last_mut() {
                        Some(parent) => parent.children.push(closed),
                        None => return Ok(closed),
                    }
                }
                _ => {}
            }
        }
        Err("it ends before its last element does".to_owned())
    }

    /// The elements of a name in it.
    pub(crate) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The element at the end of a path.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Element> {
        path.iter().try_fold(self, |element, name| element.children.iter().find(|child| child.name == *name))
    }

    /// The text at the end of a path; nothing where it is empty.
    pub(crate) fn text(&self, path: &[&str]) -> Option<&str> {
        self.at(path).map(|element| element.text.trim()).filter(|text| !text.is_empty())
    }
}

/// The five references that XML itself has.
fn plain(text: &str) -> String {
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (reference, letter)| text.replace(reference, letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_their_path() {
        let document = "<?xml version=\"1.0\"?><A xmlns=\"x\"><B><item><c>1 &lt; 2</c></item><item/><item><c> 3 </c></item></B></A>";
        let root = Element::read(document).unwrap();
        let items = root.at(&["B"]).unwrap();
        let texts: Vec<_> = items.all("item").map(|item| item.text(&["c"])).collect();
        assert_eq!(texts, [Some("1 < 2"), None, Some("3")]);
        assert_eq!(root.text(&["B", "item", "c"]), Some("1 < 2"));
        assert_eq!(root.at(&["B", "none"]), None);
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for document in ["", "text", "<a><b></b>", "{}", "<a", &"<a>".repeat(100)] {
            assert!(Element::read(document).is_err(), "{document}");
        }
    }
}
