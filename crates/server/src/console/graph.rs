//! What a change can reach, as a picture: the target on top, below it what it holds and what depends on it.

use std::collections::{BTreeMap, BTreeSet};

use lineclear_core::topology::{Entity, EntityRef, Topology};
use maud::{Markup, html};

/// Most things that are drawn; a longer list is counted instead, because nobody reads it as a picture.
const DRAWN_MAX: usize = 40;
/// Height of a row in pixels.
const ROW: usize = 30;
/// How far a thing stands to the right of what it is reached from, in pixels.
const INDENT: usize = 22;
/// Width of one character of the labels, in pixels.
const CHAR: usize = 8;

/// A thing in reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// Which.
    pub reference: EntityRef,
    /// The index of the node from which it is reached; none for the target.
    pub from: Option<usize>,
    /// How many steps away from the target.
    pub level: usize,
    /// How it hangs on what it is reached from.
    pub relation: &'static str,
    /// Whether money passes through it.
    pub money: bool,
}

/// Everything in reach of the target, each below what it is reached from, by the shortest way.
pub(super) fn nodes(topology: &Topology, target: &EntityRef, affected: &BTreeSet<EntityRef>) -> Vec<Node> {
    let mut children: BTreeMap<EntityRef, Vec<(EntityRef, &'static str)>> = BTreeMap::new();
    let mut seen = BTreeSet::from([target.clone()]);
    let mut open = vec![target.clone()];
    while !open.is_empty() {
        let mut next = Vec::new();
        for parent in &open {
            for other in affected {
                let Some(relation) = relation(topology, parent, other) else { continue };
                if seen.insert(other.clone()) {
                    children.entry(parent.clone()).or_default().push((other.clone(), relation));
                    next.push(other.clone());
                }
            }
        }
        open = next;
    }
    let mut list = Vec::new();
    place(topology, &children, (target.clone(), ""), None, &mut list);
    // What the catalog no longer connects is in reach all the same.
    for lone in affected.difference(&seen) {
        place(topology, &children, (lone.clone(), ""), Some(0), &mut list);
    }
    list
}

fn place(
    topology: &Topology,
    children: &BTreeMap<EntityRef, Vec<(EntityRef, &'static str)>>,
    (reference, relation): (EntityRef, &'static str),
    from: Option<usize>,
    list: &mut Vec<Node>,
) {
    let level = from.and_then(|at| list.get(at)).map_or(0, |node| node.level + 1);
    let money = topology.get(&reference).is_some_and(|entity| entity.money_path);
    let at = list.len();
    list.push(Node { reference: reference.clone(), from, level, relation, money });
    for child in children.get(&reference).into_iter().flatten() {
        place(topology, children, child.clone(), Some(at), list);
    }
}

fn relation(topology: &Topology, parent: &EntityRef, other: &EntityRef) -> Option<&'static str> {
    let (up, down): (&Entity, &Entity) = (topology.get(parent)?, topology.get(other)?);
    if down.depends_on.contains(parent) {
        Some("depends on it")
    } else if down.part_of.contains(parent) {
        Some("is part of it")
    } else if up.part_of.contains(other) {
        Some("holds it")
    } else {
        None
    }
}

/// The picture; its words are also its label for those who cannot see it.
pub(super) fn picture(nodes: &[Node]) -> Markup {
    let drawn: Vec<(usize, &Node)> = nodes.iter().take(DRAWN_MAX).enumerate().collect();
    let wide = drawn.iter().map(|(_, node)| left(node) + width(node) + (said(node).chars().count() + 2) * CHAR).max().unwrap_or(0) + 8;
    let high = drawn.len() * ROW;
    let words: Vec<String> = drawn.iter().map(|(_, node)| spoken(node)).collect();
    html! {
        div.graph tabindex="0" role="img" aria-label=(format!("In reach: {}", words.join("; "))) {
            svg xmlns="http://www.w3.org/2000/svg" width=(wide) height=(high) aria-hidden="true" {
                @for (row, node) in &drawn {
                    @if let Some((up, parent)) = node.from.and_then(|at| drawn.get(at)) {
                        path.edge d=(format!("M{} {}V{}H{}", left(parent) + 10, up * ROW + 26, row * ROW + 14, left(node))) {}
                    }
                }
                @for (row, node) in &drawn {
                    rect class=(class(node)) x=(left(node)) y=(row * ROW + 2) width=(width(node)) height="24" rx="5" {}
                    text x=(left(node) + 8) y=(row * ROW + 19) { (node.reference.to_string()) }
                    text x=(left(node) + width(node) + CHAR) y=(row * ROW + 19) fill-opacity="0.65" { (said(node)) }
                }
            }
        }
        @if nodes.len() > drawn.len() { p.soft { "And " (nodes.len() - drawn.len()) " more." } }
    }
}

/// What stands beside a thing.
fn said(node: &Node) -> String {
    let money = if node.money { "money" } else { "" };
    [node.relation, money].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn spoken(node: &Node) -> String {
    let money = if node.money { ", money passes through it" } else { "" };
    match node.relation {
        "" => format!("{}{money}", node.reference),
        relation => format!("{} {relation}{money}", node.reference),
    }
}

fn class(node: &Node) -> &'static str {
    match (node.from, node.money) {
        (None, _) => "target",
        (Some(_), true) => "money",
        (Some(_), false) => "node",
    }
}

const fn left(node: &Node) -> usize {
    1 + node.level * INDENT
}

fn width(node: &Node) -> usize {
    node.reference.to_string().chars().count() * CHAR + 16
}

#[cfg(test)]
mod tests {
    use lineclear_core::topology::Environment;

    use super::*;

    fn entity(name: &str, part_of: &[&str], depends_on: &[&str], money_path: bool) -> Entity {
        let all = |list: &[&str]| list.iter().map(|one| one.parse().unwrap()).collect();
        Entity {
            reference: name.parse().unwrap(),
            title: String::new(),
            owner: "edge".parse().unwrap(),
            environment: Environment::Production,
            regions: BTreeSet::new(),
            customers: 0,
            customer_data: false,
            money_path,
            part_of: all(part_of),
            depends_on: all(depends_on),
            runs_on: lineclear_core::label::Labels::default(),
        }
    }

    #[test]
    fn everything_in_reach_stands_below_what_it_is_reached_from() {
        let topology = Topology::new([
            entity("host/web-1", &["pool/web"], &[], false),
            entity("pool/web", &["service/shop"], &[], false),
            entity("service/shop", &[], &[], false),
            entity("service/billing", &[], &["service/shop"], true),
            entity("service/apart", &[], &[], false),
        ])
        .unwrap();
        let target = "host/web-1".parse().unwrap();
        let found = nodes(&topology, &target, &topology.blast(&target).affected);
        let told: Vec<String> = found.iter().map(|node| format!("{}{}", " ".repeat(node.level), spoken(node))).collect();
        assert_eq!(
            told,
            ["host/web-1", " pool/web holds it", "  service/shop holds it", "   service/billing depends on it, money passes through it"]
        );
        let svg = picture(&found).into_string();
        assert!(svg.contains("M11 26V44H23") && svg.contains("class=\"money\""), "{svg}");
    }
}
