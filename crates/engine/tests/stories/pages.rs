//! Every example of `docs/budgets.md` and `docs/routine.md` is what it says: queries, numbers, files and policies.

use std::collections::BTreeMap;
use std::path::Path;

use lineclear_core::Span;
use lineclear_core::budget::Burn;
use lineclear_engine::questions;
use lineclear_testkit::{Northwind, World};
use serde::Deserialize;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

/// The fenced blocks of a page: language and text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let parts: Vec<&str> = page.split("\n```").collect();
    assert!(parts.len() % 2 == 1, "a block is not closed");
    let block = |part: &&str| part.split_once('\n').map(|(language, text)| (language.to_owned(), format!("{text}\n"))).unwrap();
    parts.iter().skip(1).step_by(2).map(block).collect()
}

/// The blocks of a page, and no others than these.
fn expect<const N: usize>(page: &str, languages: [&str; N]) -> [String; N] {
    let blocks = blocks(&read(page));
    assert_eq!(blocks.iter().map(|(language, _)| language.as_str()).collect::<Vec<_>>(), languages);
    blocks.into_iter().map(|(_, text)| text).collect::<Vec<_>>().try_into().unwrap()
}

#[derive(Deserialize)]
struct Numbers {
    failed: BTreeMap<String, u32>,
    left: i64,
    burn: Burn,
}

fn seconds(window: &str) -> u64 {
    let (digits, unit) = window.split_at(window.len() - 1);
    let unit = BTreeMap::from([("m", 60), ("h", 3_600), ("d", 86_400)])[unit];
    digits.parse::<u64>().unwrap() * unit
}

#[tokio::test]
async fn the_page_about_budgets_tells_the_queries_and_the_numbers() {
    let [objective, query, numbers, policy] = expect("docs/budgets.md", ["yaml", "promql", "json", "cedar"]);
    let world = World::of(&Northwind::default().with("slos/checkout.yaml", &objective)).await;
    let estate = world.engine().estate();
    let slo = estate.slos.values().find(|slo| slo.name.as_str() == "checkout-requests").unwrap();
    let [goal] = &slo.goals[..] else { panic!("one goal") };
    let objective = goal.objective(&slo.window).unwrap();
    let asked = questions(slo, goal, &objective).over.into_iter().find(|(window, _)| *window == Span::from_secs(3_600)).unwrap().1;
    assert_eq!(asked, query.trim());
    let numbers: Vec<Numbers> = serde_json::from_str(&numbers).unwrap();
    assert_eq!(numbers.len(), 4);
    for Numbers { failed, left, burn } in numbers {
        let failed: BTreeMap<u64, u32> = failed.iter().map(|(window, ppm)| (seconds(window), *ppm)).collect();
        let budget = objective.budget(|window| failed.get(&window.as_secs()).copied()).unwrap();
        assert_eq!((budget.remaining_bp, budget.burn), (left, burn), "{failed:?}");
    }
    assert!(read("estate/example/policies/budget.cedar").contains(&policy), "{policy}");
}

#[tokio::test]
async fn the_page_about_routine_tells_the_example_as_it_is() {
    let [standard, policy] = expect("docs/routine.md", ["yaml", "cedar"]);
    let line = standard.lines().find(|line| line.starts_with("routine:")).unwrap();
    assert!(read("estate/example/authority.yaml").contains(line), "{line}");
    assert!(read("estate/example/policies/medium.cedar").contains(&policy), "{policy}");
    let routine = World::new().await.engine().estate().authority.routine.unwrap();
    assert_eq!((routine.runs, routine.within, routine.spread), (5, Span::from_secs(90 * 86_400), Span::from_secs(12 * 3_600)));
    let least = routine.spread.as_secs() * (u64::from(routine.runs) - 1);
    assert_eq!(least, 2 * 86_400, "five runs twelve hours apart take two days");
}

/// Numbers that stand in both pages and in the code.
#[test]
fn the_pages_tell_the_bounds_of_the_code() {
    let (budgets, routine) = (read("docs/budgets.md"), read("docs/routine.md"));
    for (page, told) in [
        (&budgets, "at most 32 goals"),
        (&budgets, "moved by 500 basis\npoints"),
        (&budgets, "older than two minutes"),
        (&budgets, "below 50,000 steps"),
        (&routine, "the 64 newest are read"),
    ] {
        assert!(page.to_lowercase().contains(told), "{told}");
    }
    assert_eq!(lineclear_core::budget::STEP_BP, 500);
    let code = read("crates/engine/src/budget.rs") + &read("crates/engine/src/budget/promql.rs") + &read("crates/engine/src/routine.rs");
    for told in ["GOALS_MAX: usize = 32;", "AGE_MAX: Span = Span::from_secs(120);", "MOMENTS_MAX: u64 = 50_000;", "PAST_MAX: u32 = 64;"] {
        assert!(code.contains(told), "{told}");
    }
}
