//! The checks of this crate, over the workspace that it stands in.

use lineclear_tidy::{
    Finding, Tree, banned_crates, crowded_lib_files, deny_file_disagreements, forbidden_arrows, impure_rooms, lints_not_shared, loose_ends,
    machine_paths, misnamed_files, misnamed_packages, overlong_files, refused_licences, undocumented_items,
};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[track_caller]
fn check(judge: fn(&Tree) -> Vec<Finding>) {
    match Tree::read(&root()) {
        Ok(tree) => none(&judge(&tree)),
        Err(error) => none(&[Finding::of_file(".", format!("cannot be read: {error}"))]),
    }
}

#[track_caller]
fn none(findings: &[Finding]) {
    let lines: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} findings:\n{}", lines.len(), lines.join("\n"));
}

#[test]
fn rooms_use_only_the_rooms_below_them() {
    check(forbidden_arrows);
}

#[test]
fn rooms_that_decide_cannot_reach_the_world() {
    check(impure_rooms);
}

#[test]
fn no_file_is_longer_than_the_limit() {
    check(overlong_files);
}

#[test]
fn files_are_named_for_what_they_hold() {
    check(misnamed_files);
}

#[test]
fn lib_files_are_tables_of_contents() {
    check(crowded_lib_files);
}

#[test]
fn every_public_item_says_what_it_promises() {
    check(undocumented_items);
}

#[test]
fn banned_crates_stay_out_and_pinned_crates_stay_pinned() {
    check(banned_crates);
}

#[test]
fn cargo_deny_is_told_the_same() {
    check(deny_file_disagreements);
}

#[test]
fn no_path_of_one_machine_is_committed() {
    check(machine_paths);
}

#[test]
fn no_test_is_ignored_and_no_code_is_put_off() {
    check(loose_ends);
}

#[test]
fn every_room_shares_the_lints() {
    check(lints_not_shared);
}

#[test]
fn every_package_is_named_for_its_folder() {
    check(misnamed_packages);
}

#[test]
fn every_dependency_has_a_licence_we_can_meet() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "cargo metadata failed; `cargo fetch --locked` fetches the manifests it needs\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    none(&refused_licences(&metadata));
}
