//! Which files there are. Symbolic links are not followed, so a loop of them is no loop here.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use anyhow::Context;
use extract::Format;
use ingress::ingestions::path::normalise;
use walkdir::{DirEntry, WalkDir};

use super::Failure;

/// A file that may be sent.
#[derive(Debug)]
pub(super) struct Candidate {
    /// In the source.
    pub(super) path: String,
    /// On this machine.
    pub(super) file: PathBuf,
}

/// What is below the paths of a command.
#[derive(Debug)]
pub(super) struct Found {
    /// The folder's canonical name.
    pub(super) source: String,
    /// One folder was given: what is not found in it does not exist.
    pub(super) whole: bool,
    /// Something could not be read: files may exist that were not found.
    pub(super) incomplete: bool,
    pub(super) files: Vec<Candidate>,
    /// How many were passed over, by the reason.
    pub(super) skipped: BTreeMap<&'static str, u64>,
    pub(super) unreadable: Vec<Failure>,
}

/// Finds the files below `paths`, in the order of their names.
pub(super) fn find(paths: &[PathBuf]) -> anyhow::Result<Found> {
    let mut roots = Vec::new();
    for path in paths {
        roots.push(path.canonicalize().with_context(|| format!("cannot read {}", path.display()))?);
    }
    let folder = folder(&roots);
    let source = folder.to_str().context("the folder's name is not UTF-8: name the source with --source")?;
    let mut found = Found {
        source: source.to_owned(),
        whole: roots.len() == 1 && roots[0].is_dir(),
        incomplete: false,
        files: Vec::new(),
        skipped: BTreeMap::new(),
        unreadable: Vec::new(),
    };
    for root in &roots {
        found.walk(root, &folder);
    }
    // Paths may overlap.
    found.files.sort_unstable_by(|one, two| one.path.cmp(&two.path));
    found.files.dedup_by(|one, two| one.path == two.path);
    Ok(found)
}

/// The deepest folder that holds all of them.
fn folder(roots: &[PathBuf]) -> PathBuf {
    let mut common: Option<PathBuf> = None;
    for root in roots {
        let own = if root.is_dir() { root } else { root.parent().unwrap_or(root) };
        common = Some(match common {
            None => own.to_owned(),
            Some(common) => common
                .components()
                .zip(own.components())
                .take_while(|(a, b)| a == b)
                .map(|(a, _)| a)
                .collect(),
        });
    }
    common.unwrap_or_default()
}

impl Found {
    fn walk(&mut self, root: &Path, folder: &Path) {
        let walk = WalkDir::new(root).follow_links(false).sort_by_file_name();
        // What is hidden is not walked into: `.git` has more files than the folder.
        let mut hidden = 0;
        let entries = walk.into_iter().filter_entry(|entry| {
            let shown = !is_hidden(entry);
            hidden += u64::from(!shown);
            shown
        });
        for entry in entries {
            match entry {
                Ok(entry) => self.take(&entry, folder),
                Err(error) => {
                    self.incomplete = true;
                    let path = error.path().map(|path| path.display().to_string()).unwrap_or_default();
                    let error = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                    self.unreadable.push(Failure { path, error });
                }
            }
        }
        if hidden > 0 {
            *self.skipped.entry("hidden").or_default() += hidden;
        }
    }

    fn take(&mut self, entry: &DirEntry, folder: &Path) {
        let kind = entry.file_type();
        if kind.is_dir() {
            return;
        }
        let reason = if kind.is_symlink() {
            Some("symbolic link")
        } else if !kind.is_file() {
            Some("not a regular file")
        } else if entry.file_name().to_str().is_some_and(|name| Format::of(name).is_none()) {
            Some("unknown extension")
        } else {
            None
        };
        if let Some(reason) = reason {
            *self.skipped.entry(reason).or_default() += 1;
            return;
        }
        match relative(entry.path(), folder) {
            Ok(path) => self.files.push(Candidate { path, file: entry.path().to_owned() }),
            Err(error) => {
                self.unreadable.push(Failure { path: entry.path().display().to_string(), error });
            }
        }
    }
}

/// A path that was given on the command line is meant, whatever its name.
fn is_hidden(entry: &DirEntry) -> bool {
    entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".")
}

fn relative(file: &Path, folder: &Path) -> Result<String, String> {
    let relative = file.strip_prefix(folder).map_err(|error| error.to_string())?;
    let names: Option<Vec<&str>> = relative
        .components()
        .map(|component| match component {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    let names = names.ok_or_else(|| "its name is not UTF-8: rename it".to_owned())?;
    normalise(&names.join("/")).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder_with(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("there is room");
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().expect("it is in the folder")).expect("there is room");
            fs::write(path, file).expect("there is room");
        }
        dir
    }

    fn paths(found: &Found) -> Vec<&str> {
        found.files.iter().map(|file| file.path.as_str()).collect()
    }

    #[test]
    fn known_files_are_found_and_the_others_counted_by_their_reason() {
        let dir = folder_with(&["b.md", "a/c.HTML", "a/d.txt", "a/e.pdf", "README", ".git/x.md", "a/.f.md"]);
        std::os::unix::fs::symlink(dir.path(), dir.path().join("a/loop")).expect("there is room");
        std::os::unix::fs::symlink(dir.path().join("b.md"), dir.path().join("link.md"))
            .expect("there is room");
        let found = find(&[dir.path().to_owned()]).expect("it is there");
        assert_eq!(paths(&found), ["a/c.HTML", "a/d.txt", "b.md"]);
        let skipped: Vec<_> = found.skipped.iter().map(|(reason, count)| (*reason, *count)).collect();
        assert_eq!(skipped, [("hidden", 2), ("symbolic link", 2), ("unknown extension", 2)]);
        assert!(found.whole && !found.incomplete && found.unreadable.is_empty());
        let canonical = dir.path().canonicalize().expect("it is there");
        assert_eq!(Some(found.source.as_str()), canonical.to_str());
    }

    #[test]
    fn files_are_named_from_the_deepest_folder_that_holds_all_paths_and_once() {
        let dir = folder_with(&["docs/a.md", "docs/sub/b.md", "faq/c.md"]);
        let at = |name: &str| dir.path().join(name);
        let one = find(&[at("docs/a.md"), at("docs/sub"), at("docs")]).expect("they are there");
        assert_eq!(paths(&one), ["a.md", "sub/b.md"]);
        assert!(one.source.ends_with("/docs") && !one.whole);
        let two = find(&[at("docs/a.md"), at("faq")]).expect("they are there");
        assert_eq!(paths(&two), ["docs/a.md", "faq/c.md"]);
        let file = find(&[at("docs/a.md")]).expect("it is there");
        assert_eq!((paths(&file), file.whole), (vec!["a.md"], false));
        find(&[at("nothing")]).expect_err("it is not there");
    }

    #[test]
    fn a_name_that_cannot_be_shown_is_named_and_the_rest_goes_on() {
        let dir = folder_with(&["a.md", "b\nc.md"]);
        let found = find(&[dir.path().to_owned()]).expect("it is there");
        assert_eq!(paths(&found), ["a.md"]);
        assert!(found.unreadable[0].error.contains("control character"), "{:?}", found.unreadable);
        assert!(!found.incomplete, "such a name is in no listing, so nothing can be missing because of it");
    }
}
