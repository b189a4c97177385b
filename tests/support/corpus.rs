//! The response files.

#![expect(clippy::unwrap_used, reason = "where a file is malformed, whatever reads it fails")]

use std::{fs, path::Path, sync::LazyLock};

#[path = "response_file.rs"]
mod response_file;

/// Every file under `tests/responses`, sorted: its name (`observed/200-vortex-single`), the HTTP
/// status, the body.
pub(crate) static RESPONSES: LazyLock<Vec<(String, u16, Vec<u8>)>> = LazyLock::new(|| {
    // Every crate of the workspace lies in the folder that holds `tests`, or below it.
    let mut above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let root = above.find_map(|root| fs::canonicalize(root.join("tests/responses")).ok()).unwrap();
    let kinds = fs::read_dir(&root).unwrap();
    let files = kinds.flat_map(|kind| fs::read_dir(kind.unwrap().path()).unwrap());
    let mut responses: Vec<_> = files
        .map(|file| {
            let path = file.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().with_extension("");
            let file = fs::read(&path).unwrap();
            let (status, body) = response_file::parse(&file).unwrap();
            (name.to_str().unwrap().replace('\\', "/"), status, body.to_vec())
        })
        .collect();
    responses.sort();
    responses
});
