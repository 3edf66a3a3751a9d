//! The battery: what people have asked of systems like this one, and found missing elsewhere. One file an item, driven over the public
//! faces of the real binary only. `docs/assurance.md` says which item shows what.

mod t01_restart;
mod t02_inputs_changed;
mod t04_world_changed;
mod t05_self_approval;
mod t06_quorum;
mod t07_timeout;
mod t08_race;
mod t09_replay;
mod t10_log;
mod t11_break_glass;
mod t12_back_test;
mod t13_latency;
mod t14_payload;
mod t15_false_green;
mod t16_climbing;
mod t17_missing_fact;
mod t18_unknown_action;
mod t19_unreachable;
mod t20_odd_parameters;
mod world;
