//! The reply files.

#![expect(clippy::unwrap_used, reason = "where a file is odd, whatever reads it fails")]

use std::{fs, path::Path, sync::LazyLock};

#[path = "reply_file.rs"]
mod reply_file;

/// Every file under `tests/replies`, sorted: its name (`observed/200-vortex-single`), the HTTP
/// status, the body.
pub(crate) static REPLIES: LazyLock<Vec<(String, u16, Vec<u8>)>> = LazyLock::new(|| {
    // Every crate of the workspace lies in the folder that holds `tests`, or below it.
    let mut above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let root = above.find_map(|root| fs::canonicalize(root.join("tests/replies")).ok()).unwrap();
    let kinds = fs::read_dir(&root).unwrap();
    let files = kinds.flat_map(|kind| fs::read_dir(kind.unwrap().path()).unwrap());
    let mut replies: Vec<_> = files
        .map(|file| {
            let path = file.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().with_extension("");
            let file = fs::read(&path).unwrap();
            let (status, body) = reply_file::parse(&file).unwrap();
            (name.to_str().unwrap().replace('\\', "/"), status, body.to_vec())
        })
        .collect();
    replies.sort();
    replies
});
