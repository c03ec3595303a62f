//! Which reader a file gets. The extension decides, never the content: a file that lies about what it is must
//! not choose the code that reads it.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// A format that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    Markdown,
    Text,
    Html,
}

/// All extensions that [`Format::of`] knows, in lower case, without the dot.
pub const EXTENSIONS: &[&str] = &["md", "markdown", "mdx", "txt", "text", "html", "htm", "xhtml"];

impl Format {
    /// The format of a file of this name; `None` when nothing here reads it.
    pub fn of(path: &str) -> Option<Self> {
        let extension = Path::new(path).extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "md" | "markdown" | "mdx" => Some(Self::Markdown),
            "txt" | "text" => Some(Self::Text),
            "html" | "htm" | "xhtml" => Some(Self::Html),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_extension_has_a_format_in_any_case() {
        for extension in EXTENSIONS {
            assert!(Format::of(&format!("a/b.c.{extension}")).is_some(), "{extension}");
            assert!(Format::of(&format!("X.{}", extension.to_uppercase())).is_some(), "{extension}");
        }
        for other in ["a.pdf", "README", ".md", "", "a/b.md/", "dir.md/file"] {
            let expected = other == "a/b.md/";
            assert_eq!(Format::of(other).is_some(), expected, "{other}");
        }
    }
}
