//! Laying out the code that an assignment brings, under the task root.
//!
//! Names in an archive are a stranger's: none may lead outside of the root, whether by `..`, by an absolute path
//! or by way of a link that the archive made first.

mod archive;
mod tree;

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use domain::failure::StartFailure;
use protocol::link::assignment::Code;
use tree::Tree;

/// Mode of files in the manifest: they have none, and a script may be among them.
const INLINE_MODE: u32 = 0o755;

/// Why code cannot be laid out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodeError {
    #[error("'{0}' leads outside of the code's folder")]
    Escape(String),
    #[error("the archive unpacks to more than {0} bytes")]
    TooLarge(u64),
    #[error("the archive has more than {0} entries")]
    TooManyEntries(usize),
    #[error("'{0}' is neither a file, a folder nor a link")]
    Kind(String),
    #[error("the archive cannot be read: {0}")]
    Archive(#[from] zip::result::ZipError),
    #[error("'{name}' cannot be written: {error}")]
    Write { name: String, error: std::io::Error },
}

/// Lays out `code`; blocks while it writes.
pub(crate) fn lay_out(code: &Code, archive: Bytes, root: &Path) -> Result<(), StartFailure> {
    let done = match code {
        Code::Image => Ok(()),
        Code::Inline { files } => inline(files, root),
        Code::Zip => archive::unpack(archive, root),
        #[allow(unreachable_patterns, reason = "the link may gain kinds of code before the shim does")]
        _ => Err(CodeError::Kind("the code".to_owned())),
    };
    done.map_err(|error| StartFailure {
        error_type: "Runtime.InvalidTaskConfig",
        message: format!("the code cannot be laid out: {error}"),
    })
}

fn inline(files: &BTreeMap<String, String>, root: &Path) -> Result<(), CodeError> {
    let tree = Tree::open(root)?;
    files.iter().try_for_each(|(name, text)| tree.file(name, INLINE_MODE, &mut text.as_bytes()).map(drop))
}
