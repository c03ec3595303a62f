//! What a client has, as JSON: paths and hashes, and perhaps the texts themselves.

use std::collections::HashSet;

use contract::ApiKeyId;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use store::ingestions::{File, ListedFile, Listing};
use web::Problem;

use super::limits::{self, NAME, TAGS, listing_too_long, unusable};
use super::path::normalise;

/// The body of `POST /v1/ingestions`. No `Debug`: texts are not ours to print.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    source: String,
    #[serde(default)]
    tags: Vec<String>,
    files: Vec<Entry>,
    #[serde(default)]
    prune: bool,
    #[serde(default)]
    force: bool,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: String,
    /// May be left out when there is a text.
    #[serde(default)]
    sha256: Option<String>,
    #[serde(default)]
    text: Option<String>,
}

/// A listing that may be handed to the ledger.
pub(crate) struct Checked {
    pub(crate) listing: Listing,
    /// Files whose text came with the listing.
    pub(crate) texts: Vec<File>,
}

impl Body {
    /// # Errors
    /// The first thing in it that breaks a rule.
    pub(crate) fn check(self, key: ApiKeyId) -> Result<Checked, Problem> {
        if self.files.len() > limits::LISTING_FILES {
            return Err(listing_too_long(self.files.len()));
        }
        let mut listing = Listing {
            source: source(&self.source)?,
            key: Some(key),
            tags: tags(&self.tags)?,
            files: Vec::with_capacity(self.files.len()),
            prune: self.prune,
            force: self.force,
            dry_run: self.dry_run,
        };
        let mut texts = Vec::new();
        for entry in self.files {
            let path = path(&entry.path)?;
            let given = entry.sha256.as_deref().map(|text| hash(&path, text)).transpose()?;
            let hash = match (given, &entry.text) {
                (Some(given), None) => given,
                (given, Some(text)) => {
                    let own = Sha256::digest(text).into();
                    if given.is_some_and(|given| given != own) {
                        return Err(unusable(
                            "hash-mismatch",
                            format!("sha256 of {path} is not that of its text: leave it out or correct it"),
                        ));
                    }
                    own
                }
                (None, None) => {
                    let detail = format!("{path} has neither sha256 nor text: send one of them");
                    return Err(unusable("invalid-hash", detail));
                }
            };
            if let Some(text) = entry.text {
                texts.push(File { path: path.clone(), bytes: text.into_bytes() });
            }
            listing.files.push(ListedFile { path, hash });
        }
        let mut seen = HashSet::with_capacity(listing.files.len());
        if let Some(twice) = listing.files.iter().find(|file| !seen.insert(file.path.as_str())) {
            let detail = format!("{} is listed twice: list each file once", twice.path);
            return Err(unusable("path-twice", detail));
        }
        Ok(Checked { listing, texts })
    }
}

/// # Errors
/// 422 with the path and the rule it breaks.
pub(crate) fn path(text: &str) -> Result<String, Problem> {
    normalise(text).map_err(|error| {
        // Enough to find it by; the rest may be megabytes.
        let start: String = text.chars().take(100).collect();
        unusable("invalid-path", format!("the path {start:?} cannot be used: {error}"))
    })
}

/// # Errors
/// 422 when it is blank, too long or has control characters.
pub(crate) fn source(text: &str) -> Result<String, Problem> {
    name("source", text)
}

/// # Errors
/// As [`source`]; also when there are too many. Each is kept once.
pub(crate) fn tags(texts: &[String]) -> Result<Vec<String>, Problem> {
    if texts.len() > TAGS {
        let detail = format!("there are {} tags, the limit is {TAGS}: use fewer", texts.len());
        return Err(unusable("invalid-tag", detail));
    }
    let mut tags = texts.iter().map(|text| name("tag", text)).collect::<Result<Vec<_>, _>>()?;
    tags.sort_unstable();
    tags.dedup();
    Ok(tags)
}

fn name(noun: &'static str, text: &str) -> Result<String, Problem> {
    let text = text.trim();
    let rule = if text.is_empty() {
        "is blank: give it a name".to_owned()
    } else if text.len() > NAME {
        format!("has {} bytes, the limit is {NAME}: shorten it", text.len())
    } else if text.chars().any(char::is_control) {
        "has a control character: leave it out".to_owned()
    } else {
        return Ok(text.to_owned());
    };
    let slug = if noun == "tag" { "invalid-tag" } else { "invalid-source" };
    Err(unusable(slug, format!("the {noun} {rule}")))
}

fn hash(path: &str, text: &str) -> Result<[u8; 32], Problem> {
    decode(text).ok_or_else(|| {
        unusable(
            "invalid-hash",
            format!("sha256 of {path} is none: send the 64 hexadecimal digits of the file's"),
        )
    })
}

fn decode(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    (digits.len() == 64).then(|| bytes.try_into().ok())?
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(body: Value) -> Result<Checked, String> {
        let body: Body = serde_json::from_value(body).expect("it has the shape");
        body.check(ApiKeyId::new()).map_err(|problem| format!("{}: {}", problem.slug(), problem.detail()))
    }

    fn listed(files: &Value) -> Result<Checked, String> {
        check(json!({ "source": "docs", "files": files }))
    }

    #[test]
    fn hashes_and_texts_become_a_listing() {
        let zeros = "0".repeat(64);
        let checked =
            listed(&json!([{ "path": "./a.md", "sha256": zeros }, { "path": "b.md", "text": "hello" }]));
        let Checked { listing, texts } = checked.expect("a listing");
        assert_eq!(listing.files[0].path, "a.md");
        assert_eq!(listing.files[0].hash, [0; 32]);
        assert_eq!(listing.files[1].hash[..4], [0x2c, 0xf2, 0x4d, 0xba]);
        assert_eq!(
            (texts.len(), texts[0].path.as_str(), texts[0].bytes.as_slice()),
            (1, "b.md", b"hello".as_slice())
        );
    }

    #[test]
    fn what_breaks_a_rule_is_named_with_its_path() {
        let zeros = "0".repeat(64);
        for (files, word) in [
            (json!([{ "path": "a.md" }]), "invalid-hash: a.md"),
            (json!([{ "path": "a.md", "sha256": "abc" }]), "invalid-hash: sha256 of a.md"),
            (json!([{ "path": "a.md", "sha256": "я".repeat(64) }]), "invalid-hash"),
            (json!([{ "path": "a.md", "sha256": zeros, "text": "x" }]), "hash-mismatch: sha256 of a.md"),
            (json!([{ "path": "../a.md", "sha256": zeros }]), "invalid-path: the path \"../a.md\""),
            (json!([{ "path": "a.md", "text": "" }, { "path": "a//../b" , "text": "" }]), "invalid-path"),
            (json!([{ "path": "a.md", "text": "" }, { "path": "./a.md", "text": "" }]), "path-twice: a.md"),
        ] {
            let error = listed(&files).err().expect("it breaks a rule");
            assert!(error.starts_with(word), "{error}");
        }
        for (body, word) in [
            (json!({ "source": " ", "files": [] }), "invalid-source: the source is blank"),
            (json!({ "source": "a", "files": [], "tags": ["x\n"] }), "ok"),
            (json!({ "source": "a", "files": [], "tags": ["a\nb"] }), "invalid-tag: the tag has a control"),
            (json!({ "source": "a", "files": [], "tags": vec!["t"; 33] }), "invalid-tag: there are 33"),
        ] {
            let error = check(body).err().unwrap_or_else(|| "ok".to_owned());
            assert!(error.starts_with(word), "{error}");
        }
    }

    #[test]
    fn too_many_files_are_refused_with_the_limit() {
        let files: Vec<Value> = (0..=100_000).map(|n| json!({ "path": n.to_string(), "text": "" })).collect();
        let error = listed(&Value::from(files)).err().expect("too many");
        assert!(error.starts_with("too-many-files: 100001 files are listed, the limit is 100000"), "{error}");
    }
}
