//! Compiles the `.proto` files with protox, so that no protoc is needed, and keeps the descriptors for gRPC reflection.

use std::error::Error;
use std::path::PathBuf;

use prost::Message as _;

const FILES: [&str; 6] = [
    "clb/snapshot/v1/snapshot.proto",
    "clb/snapshot/v1/objects.proto",
    "clb/snapshot/v1/directive.proto",
    "clb/actuator/v1/actuator.proto",
    "clb/actuator/v1/operation.proto",
    "clb/planner/v1/planner.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=clb");
    let set = protox::Compiler::new(["."])?
        .include_imports(true)
        .include_source_info(true)
        .open_files(FILES)?
        .file_descriptor_set();
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    std::fs::write(out.join("descriptors.bin"), set.encode_to_vec())?;
    // Digests are over encoded bytes: maps must be encoded in the same order each time.
    tonic_prost_build::configure().btree_map(".").compile_fds(set)?;
    Ok(())
}
