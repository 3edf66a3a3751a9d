//! Directories and files beyond the bounds, or that belong to no estate.

use std::fs;

use lineclear_estate::{FILE_BYTES_MAX, FILES_MAX, check, digest, load, load_files, read_files};

use crate::bench::{example, loaded, text};

#[test]
fn a_file_that_belongs_to_no_estate_is_named() {
    let error = loaded(|files| {
        files.insert("catalog/more.yml".into(), b"".to_vec());
        files.insert("authorty.yaml".into(), b"".to_vec());
        files.insert("runbook/a.yaml".into(), b"".to_vec());
        files.insert("policies/a.txt".into(), b"".to_vec());
        files.insert("NOTES.md".into(), b"kept, and part of the address".to_vec());
        files.insert("facts.yaml".into(), vec![0xff]);
    });
    let told: Vec<String> = error
        .unwrap_err()
        .faults()
        .iter()
        .filter(|f| f.line == 0)
        .map(|f| format!("{}: {} ({})", f.path, f.message, f.help.as_deref().unwrap_or("-")))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn an_empty_directory_is_told_what_it_lacks() {
    let error = load_files(&std::collections::BTreeMap::new()).unwrap_err();
    insta::assert_snapshot!(error.to_string());
}

#[test]
fn a_directory_reads_as_its_files_and_hidden_ones_are_left_out() {
    let directory = tempfile::tempdir().unwrap();
    for (path, bytes) in example() {
        let to = directory.path().join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, bytes).unwrap();
    }
    fs::create_dir(directory.path().join(".git")).unwrap();
    fs::write(directory.path().join(".git/HEAD"), "ref").unwrap();
    assert_eq!(read_files(directory.path()).unwrap(), example());
    assert_eq!(load(directory.path()).unwrap().estate.digest, digest(&example()));
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_estate_is_refused_and_one_inside_is_followed() {
    let (directory, outside) = (tempfile::tempdir().unwrap(), tempfile::NamedTempFile::new().unwrap());
    fs::write(directory.path().join("a.md"), "inside").unwrap();
    std::os::unix::fs::symlink(directory.path().join("a.md"), directory.path().join("b.md")).unwrap();
    assert_eq!(read_files(directory.path()).unwrap().len(), 2);
    std::os::unix::fs::symlink(outside.path(), directory.path().join("c.md")).unwrap();
    let error = read_files(directory.path()).unwrap_err();
    assert_eq!(error.to_string(), "the estate has 1 fault\nc.md: a link that leads out of the estate");
    fs::remove_file(directory.path().join("c.md")).unwrap();
    std::os::unix::fs::symlink(directory.path(), directory.path().join("loop")).unwrap();
    assert_eq!(read_files(directory.path()).unwrap_err().faults()[0].message, "it is no plain file");
}

#[test]
fn large_many_and_deep_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.md"), vec![b'a'; FILE_BYTES_MAX + 1]).unwrap();
    assert_eq!(read_files(directory.path()).unwrap_err().faults()[0].message, "larger than 256 KiB");
    fs::write(directory.path().join("a.md"), vec![b'a'; FILE_BYTES_MAX]).unwrap();
    assert!(read_files(directory.path()).is_ok());
    fs::create_dir_all(directory.path().join("1/2/3/4/5")).unwrap();
    assert_eq!(read_files(directory.path()).unwrap_err().faults()[0].message, "folders deeper than 4 are not read");
    let many = tempfile::tempdir().unwrap();
    for n in 0..=FILES_MAX {
        fs::write(many.path().join(format!("{n}.md")), "").unwrap();
    }
    assert_eq!(read_files(many.path()).unwrap_err().faults()[0].message, "an estate has at most 500 files and folders");
}

#[test]
fn every_byte_of_every_file_moves_the_address() {
    let before = loaded(|_| {}).unwrap().estate.digest;
    let after = loaded(|files| files.get_mut("policies/low.cedar").unwrap().push(b'\n')).unwrap().estate.digest;
    assert_ne!(before, after);
}

#[test]
fn a_runbook_keeps_its_digest_when_only_its_looks_change() {
    let (before, after) = (text("runbooks/drain-host.yaml"), text("runbooks/drain-host.yaml").replace("# ", "#  "));
    let digest = |text: &str| lineclear_estate::parse_runbook("a.yaml", text).unwrap().digest;
    assert_eq!(digest(&before), digest(&after));
    assert_ne!(digest(&before), digest(&before.replace("soak: 5s", "soak: 6s")));
}

#[test]
fn a_story_that_does_not_hold_is_told_with_its_reasons() {
    let changed = loaded(|files| {
        let text = text("policies/medium.cedar").replace("context.confidence_bp >= 8000", "context.confidence_bp >= 9500");
        files.insert("policies/medium.cedar".into(), text.into_bytes());
    });
    let report = check(&changed.unwrap());
    assert!(!report.holds());
    let failed: Vec<String> = report.outcomes.iter().filter_map(|o| o.fault.as_ref()).map(crate::bench::rendered).collect();
    insta::assert_snapshot!(failed.join("\n\n"));
}

#[test]
fn what_looks_careless_is_said() {
    let said = |change: &dyn Fn(&mut crate::bench::Files)| -> Vec<String> {
        let report = check(&loaded(change).unwrap());
        report.warnings.iter().map(|w| format!("{}: {}", w.subject, w.message)).collect()
    };
    let before = said(&|_| {});
    let after = said(&|files| {
        let edit = |files: &mut crate::bench::Files, path: &str, old: &str, new: &str| {
            let text = crate::bench::replaced(&text(path), old, new);
            files.insert(path.to_owned(), text.into_bytes());
        };
        edit(files, "actions/high.yaml", "never_routine: true", "never_routine: false");
        edit(
            files,
            "runbooks/drain-host.yaml",
            "    undo: { haproxy_server: { backend: shop, server: \"${target.name}\", state: ready } }\n",
            "",
        );
        // Without their tests: those of the one take back what can no longer be taken back, and nothing rehearses the other.
        for path in ["runbooks/drain-host.yaml", "runbooks/restore-host.yaml"] {
            let text = String::from_utf8(files[path].clone()).unwrap();
            let (untested, _) = text.split_once("\ntests:\n").unwrap();
            files.insert(path.to_owned(), format!("{untested}\n").into_bytes());
        }
        edit(files, "authority.yaml", "security-officer: [erin]", "security-officer: []");
        edit(files, "actions/low.yaml", "runbook: gather-telemetry\n", "");
    });
    insta::assert_snapshot!(format!("## the example\n{}\n\n## with careless edits\n{}", before.join("\n"), after.join("\n")));
}
