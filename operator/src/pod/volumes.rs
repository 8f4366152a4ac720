//! The volumes of an environment's pod. All are the pod's own and go with it; each has a size.

use domain::limits::UNPACKED_CODE_BYTES_MAX;
use k8s_openapi::api::core::v1::{EmptyDirVolumeSource, Volume, VolumeMount};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use resources::FunctionSpec;

/// Where the shim is found in both containers.
pub(super) const SHIM_PATH: &str = "/kubelambda";
/// The file that the shim's container writes beside the shim: the users of the pod, as `/etc/passwd` lists them.
const USERS_FILE: &str = "passwd";
/// Room for the shim, in MiB.
const SHIM_MIB: u32 = 16;
/// What the kubelet grants `/tmp` beyond its size, in MiB: the shim ends an invocation that fills `/tmp`
/// before the kubelet evicts the pod, and needs a moment to see it.
const TEMPORARY_HEADROOM_MIB: u32 = 64;
/// What `/var/task` may hold beyond the code, in MiB: a file system's own blocks.
const CODE_HEADROOM_MIB: u64 = 16;

const SHIM: &str = "shim";
const TEMPORARY: &str = "tmp";
const CODE: &str = "code";

pub(super) fn all(spec: &FunctionSpec) -> Vec<Volume> {
    let mut volumes = vec![
        empty(SHIM, u64::from(SHIM_MIB)),
        empty(TEMPORARY, u64::from(spec.ephemeral_storage + TEMPORARY_HEADROOM_MIB)),
    ];
    if has_code_volume(spec) {
        volumes.push(empty(CODE, UNPACKED_CODE_BYTES_MAX.div_ceil(1024 * 1024) + CODE_HEADROOM_MIB));
    }
    volumes
}

pub(super) fn shim_writable() -> VolumeMount {
    mount(SHIM, SHIM_PATH, false)
}

pub(super) fn mounts_of_function(spec: &FunctionSpec) -> Vec<VolumeMount> {
    let mut mounts = vec![mount(SHIM, SHIM_PATH, true), users(), mount(TEMPORARY, "/tmp", false)];
    if has_code_volume(spec) {
        mounts.push(mount(CODE, "/var/task", false));
    }
    mounts
}

/// No image lists the user id that a pod runs as; on AWS it has an entry, and a home.
fn users() -> VolumeMount {
    VolumeMount { sub_path: Some(USERS_FILE.to_owned()), ..mount(SHIM, "/etc/passwd", true) }
}

/// An image brings its code itself, under `/var/task` like as not, and a volume there would hide it.
fn has_code_volume(spec: &FunctionSpec) -> bool {
    spec.code.image.is_none()
}

fn empty(name: &str, mib: u64) -> Volume {
    let source = EmptyDirVolumeSource { size_limit: Some(Quantity(format!("{mib}Mi"))), medium: None };
    Volume { name: name.to_owned(), empty_dir: Some(source), ..Volume::default() }
}

fn mount(volume: &str, path: &str, read_only: bool) -> VolumeMount {
    VolumeMount {
        name: volume.to_owned(),
        mount_path: path.to_owned(),
        read_only: Some(read_only),
        ..VolumeMount::default()
    }
}
