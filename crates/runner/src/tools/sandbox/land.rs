//! Landlock: which files, TCP ports and processes a program reaches. As much of it as the kernel has; how much is told.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, LandlockStatus, NetPort, PathBeneath, PathFd, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};

/// What is asked for: Linux 6.12. A kernel that has less enforces what it has.
const ASKED: ABI = ABI::V6;
/// What every program reads and starts: the system's own programs and libraries.
const SYSTEM: &[&str] = &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
/// What programs read to find names, times and certificates. There is no secret among them.
const SETTINGS: &[&str] = &[
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/locale.alias",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/dev/random",
    "/dev/urandom",
];
/// Devices that take and give nothing.
const DEVICES: &[&str] = &["/dev/full", "/dev/null", "/dev/zero"];

/// Restricts this thread and what it becomes; the version that holds, 0 when the kernel has none.
pub(super) fn restrict(read: &BTreeSet<PathBuf>, write: &BTreeSet<PathBuf>, connect: &BTreeSet<u16>) -> Result<u8, String> {
    let said = |error: RulesetError| error.to_string();
    let base = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
    let ruleset = base.handle_access(AccessFs::from_all(ASKED)).map_err(said)?;
    let ruleset = ruleset.handle_access(AccessNet::from_all(ASKED)).map_err(said)?;
    let ruleset = ruleset.scope(Scope::from_all(ASKED)).map_err(said)?;
    let mut created = ruleset.create().map_err(said)?;
    let system = SYSTEM.iter().chain(SETTINGS).map(|path| Path::new(*path)).chain(read.iter().map(PathBuf::as_path));
    for rule in system.filter_map(|path| beneath(path, AccessFs::from_read(ASKED))) {
        created = created.add_rule(rule).map_err(said)?;
    }
    let devices = AccessFs::ReadFile | AccessFs::WriteFile;
    for rule in DEVICES.iter().filter_map(|path| beneath(Path::new(path), devices)) {
        created = created.add_rule(rule).map_err(said)?;
    }
    // Not to be executed: what a program writes it may not start.
    let writing = AccessFs::from_all(ASKED) & !AccessFs::Execute & !AccessFs::MakeChar & !AccessFs::MakeBlock & !AccessFs::IoctlDev;
    for path in write {
        let rule = beneath(path, writing).ok_or_else(|| format!("`{}` cannot be opened", path.display()))?;
        created = created.add_rule(rule).map_err(said)?;
    }
    for port in connect {
        created = created.add_rule(NetPort::new(*port, AccessNet::ConnectTcp)).map_err(said)?;
    }
    let status = created.restrict_self().map_err(said)?;
    Ok(match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) | (_, LandlockStatus::NotEnabled | LandlockStatus::NotImplemented) => 0,
        (RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced, LandlockStatus::Available { effective_abi, .. }) => {
            u8::try_from(effective_abi as i32).unwrap_or_default().min(ASKED as u8)
        }
    })
}

/// A rule for what lies there; none when nothing does, which leaves it forbidden.
fn beneath(path: &Path, access: BitFlags<AccessFs>) -> Option<PathBeneath<PathFd>> {
    let folder = std::fs::metadata(path).ok()?.is_dir();
    let access = if folder { access } else { access & AccessFs::from_file(ASKED) };
    PathFd::new(path).ok().map(|file| PathBeneath::new(file, access))
}
