//! The runtime commands of HAProxy 2.6 that a runner needs, with its words for refusals. Each answer ends with an
//! empty line, which is how a client of several commands tells them apart.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::pool::{Admin, Pool, Server};

/// The one backend of the simulated balancer.
pub(crate) const BACKEND: &str = "shop";
/// HAProxy gives the backend the number after the frontend and the listener's own.
const BACKEND_ID: u32 = 3;
/// HAProxy's upper limit of a weight.
const WEIGHT_MAX: i64 = 256;

const STATE_HEADER: &str = "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight \
srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state \
srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port \
srv_check_addr srv_agent_addr srv_agent_port";

/// The columns of `show stat` up to the ones that are filled; `#` and the empty last column as HAProxy prints them.
const STAT_COLUMNS: [&str; 20] = [
    "pxname", "svname", "qcur", "qmax", "scur", "smax", "slim", "stot", "bin", "bout", "dreq", "dresp", "ereq", "econ", "eresp", "wretr",
    "wredis", "status", "weight", "act",
];

/// Runs one command and returns what HAProxy would print.
pub(crate) fn execute(pool: &mut Pool, command: &str, now: Timestamp) -> String {
    let words: Vec<&str> = command.split_whitespace().collect();
    let answer = match words.as_slice() {
        ["show", "servers", "state"] => Ok(show_state(pool, now)),
        ["show", "servers", "state", backend] if *backend == BACKEND => Ok(show_state(pool, now)),
        ["show", "servers", "state", ..] => Err("Can't find backend."),
        ["show", "stat"] => Ok(show_stat(pool)),
        ["show", "info"] => Ok("Name: HAProxy (simulated)\nVersion: 2.6.12-simulated\n".to_owned()),
        ["get", "weight", target @ ..] => get_weight(pool, target.first().copied().unwrap_or_default()),
        ["set", "server", target, "state", state @ ..] => set_state(pool, target, state.first().copied(), now),
        ["set", "weight", target, weight @ ..] | ["set", "server", target, "weight", weight @ ..] => {
            set_weight(pool, target, weight.first().copied())
        }
        ["set", "server", target, ..] => find(pool, target)
            .and(Err("usage: set server <backend>/<server> addr | agent | agent-addr | agent-port | agent-send | check-addr | \
             check-port | fqdn | health | ssl | state | weight")),
        _ => Err("Unknown command. (simulated HAProxy: show info, show stat, show servers state, get weight, set weight, set server)"),
    };
    match answer {
        Ok(text) => format!("{text}\n"),
        Err(refusal) => format!("{refusal}\n\n"),
    }
}

fn find<'a>(pool: &'a mut Pool, target: &str) -> Result<&'a mut Server, &'static str> {
    let (backend, server) = target.split_once('/').ok_or("Require 'backend/server'.")?;
    if backend != BACKEND {
        return Err("No such backend.");
    }
    pool.server_mut(server).ok_or("No such server.")
}

fn get_weight(pool: &mut Pool, target: &str) -> Result<String, &'static str> {
    find(pool, target).map(|server| format!("{} (initial {})\n", server.weight, server.initial_weight))
}

fn set_weight(pool: &mut Pool, target: &str, weight: Option<&str>) -> Result<String, &'static str> {
    let server = find(pool, target)?;
    let weight = weight.ok_or("Require <weight> or <weight%>.")?;
    let (digits, relative) = weight.strip_suffix('%').map_or((weight, false), |digits| (digits, true));
    let number: i64 = digits.parse().map_err(|_| "Empty weight string empty or preceded by garbage")?;
    let absolute = if relative {
        if number < 0 {
            return Err("Relative weight must be positive.");
        }
        (i64::from(server.initial_weight).saturating_mul(number) / 100).min(WEIGHT_MAX)
    } else if (0..=WEIGHT_MAX).contains(&number) {
        number
    } else {
        return Err("Absolute weight can only be between 0 and 256 inclusive.");
    };
    server.weight = u32::try_from(absolute).map_err(|_| "Relative weight must be positive.")?;
    Ok(String::new())
}

fn set_state(pool: &mut Pool, target: &str, state: Option<&str>, now: Timestamp) -> Result<String, &'static str> {
    let server = find(pool, target)?;
    let admin = match state {
        Some("ready") => Admin::Ready,
        Some("drain") => Admin::Drain,
        Some("maint") => Admin::Maint,
        _ => return Err("'set server <srv> state' expects 'ready', 'drain' and 'maint'."),
    };
    if server.admin != admin {
        server.admin = admin;
        server.changed = now;
    }
    Ok(String::new())
}

/// Version 1 of the format that HAProxy also reads back from a state file.
fn show_state(pool: &Pool, now: Timestamp) -> String {
    let mut text = format!("1\n{STATE_HEADER}\n");
    for (index, server) in pool.servers().iter().enumerate() {
        let (operation, admin, check) = match server.admin {
            Admin::Ready => (2, 0, 2),
            Admin::Drain => (2, 8, 2),
            Admin::Maint => (0, 1, 0),
        };
        let age = now.as_second() - server.changed.as_second();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{BACKEND_ID} {BACKEND} {} {} {} {operation} {admin} {} {} {age} 1 0 {check} 0 0 0 0 - {} - 0 0 - - 0",
            index + 1,
            server.name,
            server.address.ip(),
            server.weight,
            server.initial_weight,
            server.address.port(),
        );
    }
    text
}

fn show_stat(pool: &Pool) -> String {
    let mut text = format!("# {},\n", STAT_COLUMNS.join(","));
    let serving: u32 = pool.servers().iter().filter(|server| server.takes_traffic()).map(|server| server.weight).sum();
    let sessions: u32 = pool.servers().iter().map(|server| server.sessions).sum();
    let total: u64 = pool.servers().iter().map(|server| server.total).sum();
    let errors: u64 = pool.servers().iter().map(|server| server.errors).sum();
    let _ = writeln!(text, "simulated,FRONTEND,,,{sessions},,,{total},,,,,,,,,,OPEN,,,");
    for server in pool.servers() {
        let (status, weight) = match server.admin {
            Admin::Ready => ("no check", server.weight),
            Admin::Drain => ("DRAIN", 0),
            Admin::Maint => ("MAINT", server.weight),
        };
        let _ = writeln!(
            text,
            "{BACKEND},{},0,0,{},,,{},,,,0,,{},0,0,0,{status},{weight},1,",
            server.name, server.sessions, server.total, server.errors
        );
    }
    let status = if serving > 0 { "UP" } else { "DOWN" };
    let active = pool.servers().iter().filter(|server| server.takes_traffic()).count();
    let _ = writeln!(text, "{BACKEND},BACKEND,0,0,{sessions},,,{total},,,,0,,{errors},0,0,0,{status},{serving},{active},");
    text
}

#[cfg(test)]
mod tests {
    use super::super::pool::sample;
    use super::*;

    fn run(pool: &mut Pool, command: &str) -> String {
        execute(pool, command, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_drained_server_shows_admin_state_8_and_comes_back_ready() {
        let mut pool = sample();
        assert_eq!(run(&mut pool, "set server shop/web-1 state drain"), "\n");
        let state = run(&mut pool, "show servers state shop");
        assert!(state.starts_with("1\n# be_id be_name"), "{state}");
        assert!(state.contains("\n3 shop 1 web-1 127.0.0.1 2 8 100 100 0 1 0 2 0 0 0 0 - 8081 - 0 0 - - 0\n"), "{state}");
        assert!(state.ends_with("\n\n"), "{state}");
        assert_eq!(run(&mut pool, "set server shop/web-1 state ready"), "\n");
        assert!(run(&mut pool, "show servers state").contains("\n3 shop 1 web-1 127.0.0.1 2 0 "));
    }

    #[test]
    fn weights_are_absolute_or_relative_to_the_initial_one() {
        let mut pool = sample();
        for (weight, shown) in [("50%", "50"), ("7", "7"), ("0%", "0"), ("500%", "256"), ("100%", "100")] {
            assert_eq!(run(&mut pool, &format!("set weight shop/web-1 {weight}")), "\n");
            assert_eq!(run(&mut pool, "get weight shop/web-1"), format!("{shown} (initial 100)\n\n"));
        }
    }

    #[test]
    fn refusals_use_the_words_of_haproxy() {
        let cases = [
            ("set server shop/web-9 state drain", "No such server."),
            ("set server nope/web-1 state drain", "No such backend."),
            ("set server shop state drain", "Require 'backend/server'."),
            ("set server shop/web-1 state up", "'set server <srv> state' expects 'ready', 'drain' and 'maint'."),
            ("set weight shop/web-1 300", "Absolute weight can only be between 0 and 256 inclusive."),
            ("set weight shop/web-1", "Require <weight> or <weight%>."),
            ("get weight shop/web-9", "No such server."),
            ("show servers state nope", "Can't find backend."),
        ];
        for (command, refusal) in cases {
            assert_eq!(run(&mut sample(), command), format!("{refusal}\n\n"), "{command}");
        }
    }

    #[test]
    fn the_statistics_have_the_columns_a_reader_looks_for() {
        let mut pool = sample();
        let _ = pool.choose();
        run(&mut pool, "set server shop/web-2 state drain");
        let stat = run(&mut pool, "show stat");
        let mut lines = stat.lines();
        let header: Vec<&str> = lines.next().unwrap().trim_start_matches("# ").split(',').collect();
        let row: Vec<&str> = stat.lines().find(|line| line.starts_with("shop,web-2,")).unwrap().split(',').collect();
        assert_eq!(header.len(), row.len());
        let column = |name| row[header.iter().position(|column| *column == name).unwrap()];
        assert_eq!((column("status"), column("weight"), column("scur")), ("DRAIN", "0", "0"));
    }
}
