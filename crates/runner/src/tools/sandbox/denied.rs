//! System calls that no program of a runbook needs: those that administer the machine, look into other processes, or get around
//! the other bounds. A list of what is denied, because a list of what is allowed breaks shells.

use std::collections::BTreeMap;

use seccompiler::{BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch};

/// Always denied.
const ALWAYS: &[i64] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    // Its requests pass no filter.
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_madvise,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
];

/// Denied where the processor has them.
#[cfg(target_arch = "x86_64")]
const OF_THIS_PROCESSOR: &[i64] = &[libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_kexec_file_load];
#[cfg(not(target_arch = "x86_64"))]
const OF_THIS_PROCESSOR: &[i64] = &[];

/// The same calls in the 32-bit form of x86-64 have this bit set.
const X32: i64 = 0x4000_0000;
/// New namespaces: mounts, control groups, names, messages, users, processes, network.
const NAMESPACES: [u64; 7] = [0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];
/// Types into the terminal of somebody else.
const TIOCSTI: u64 = 0x5412;
/// Kinds of sockets that are never needed: raw packets, the kernel's ciphers, other virtual machines.
const SOCKETS_NEVER: [i32; 3] = [libc::AF_PACKET, libc::AF_ALG, libc::AF_VSOCK];

/// The filters, in the order in which they are put on.
pub(super) fn filters(network: bool, local_sockets: bool) -> Result<Vec<BpfProgram>, String> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| error.to_string())?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for call in ALWAYS.iter().chain(OF_THIS_PROCESSOR) {
        rules.insert(*call, Vec::new());
    }
    rules
        .insert(libc::SYS_clone, NAMESPACES.into_iter().map(|flag| rule(0, SeccompCmpOp::MaskedEq(flag), flag)).collect::<Result<_, _>>()?);
    rules.insert(libc::SYS_ioctl, vec![rule(1, SeccompCmpOp::Eq, TIOCSTI)?]);
    let mut sockets = SOCKETS_NEVER.to_vec();
    if !network {
        sockets.extend([libc::AF_INET, libc::AF_INET6]);
    }
    if !local_sockets {
        sockets.push(libc::AF_UNIX);
    }
    let family = |family: i32| rule(0, SeccompCmpOp::Eq, u64::try_from(family).unwrap_or_default());
    rules.insert(libc::SYS_socket, sockets.into_iter().map(family).collect::<Result<_, _>>()?);
    if std::env::consts::ARCH == "x86_64" {
        let same: Vec<_> = rules.iter().map(|(call, rules)| (call | X32, rules.clone())).collect();
        rules.extend(same);
    }
    // The C library falls back to the older call, whose flags can be looked at, when this one does not exist.
    let newer = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    [(rules, libc::EPERM), (newer, libc::ENOSYS)]
        .into_iter()
        .map(|(rules, code)| {
            let code = SeccompAction::Errno(u32::try_from(code).unwrap_or(1));
            let filter =
                SeccompFilter::new(rules.into_iter().collect(), SeccompAction::Allow, code, arch).map_err(|error| error.to_string())?;
            BpfProgram::try_from(filter).map_err(|error| error.to_string())
        })
        .collect()
}

fn rule(argument: u8, how: SeccompCmpOp, value: u64) -> Result<SeccompRule, String> {
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, how, value).map_err(|error| error.to_string())?;
    SeccompRule::new(vec![condition]).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_compile_for_every_choice() {
        for (network, local) in [(false, false), (true, false), (false, true), (true, true)] {
            let filters = filters(network, local).unwrap();
            assert_eq!(filters.len(), 2);
            assert!(filters.iter().all(|filter| !filter.is_empty()));
        }
    }
}
