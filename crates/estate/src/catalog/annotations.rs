//! What the estate says of an entity in annotations: `lineclear.dev/customers: "12000"`.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use lineclear_core::label::Labels;
use lineclear_core::name::RegionName;
use lineclear_core::topology::Environment;

use crate::catalog::reference::CatalogRef;
use crate::fault::{At, Faults, Place};
use crate::members::{Members, cut, text};
use crate::suggest::suggest;
use crate::yaml::{Key, Kind, Node};

const PREFIX: &str = "lineclear.dev/";
const NAMES: [&str; 8] = ["customer-data", "customers", "environment", "id", "money-path", "part-of", "regions", "runs-on"];

/// The annotations of one entity.
#[derive(Debug)]
pub(crate) struct Annotations {
    id: Option<At<String>>,
    pub(crate) customers: u32,
    pub(crate) customer_data: bool,
    pub(crate) money_path: bool,
    pub(crate) environment: Environment,
    pub(crate) regions: BTreeSet<RegionName>,
    pub(crate) part_of: Vec<At<CatalogRef>>,
    pub(crate) runs_on: Labels,
}

/// Reads `metadata.annotations`. Annotations of others are left alone.
pub(crate) fn annotations(metadata: &Members<'_>) -> Annotations {
    // Production is what stands when nobody says otherwise: a wrong guess then costs a question, not an outage.
    let mut found = Annotations {
        id: None,
        customers: 0,
        customer_data: false,
        money_path: false,
        environment: Environment::Production,
        regions: BTreeSet::new(),
        part_of: Vec::new(),
        runs_on: Labels::default(),
    };
    let faults = metadata.faults();
    match metadata.maybe("annotations").map(|node| (&node.kind, node)) {
        Some((Kind::Map(members), _)) => {
            for (key, value) in members {
                one(key, value, &mut found, faults);
            }
        }
        Some((_, node)) => faults.at(&node.place, format!("annotations are written as members, not as {}", node.called()), None),
        None => {}
    }
    found
}

fn one(key: &Key, node: &Node, found: &mut Annotations, faults: &Faults) -> Option<()> {
    let name = key.text.strip_prefix(PREFIX)?;
    if !NAMES.contains(&name) {
        let help = suggest(&key.text, NAMES.map(|name| format!("{PREFIX}{name}")).iter().map(String::as_str));
        faults.at(&key.place, format!("`{}` is no annotation of ours", cut(&key.text)), help);
        return None;
    }
    let value = At { value: text(node, faults)?.to_owned(), place: node.place.clone() };
    let environments = [("dev", Environment::Dev), ("production", Environment::Production), ("staging", Environment::Staging)];
    match name {
        "id" => found.id = Some(value),
        "customers" => found.customers = parse(&value, "a whole number", faults)?,
        "customer-data" => found.customer_data = parse(&value, "`true` or `false`", faults)?,
        "money-path" => found.money_path = parse(&value, "`true` or `false`", faults)?,
        "environment" => found.environment = crate::members::choice(node, &environments, faults)?,
        "regions" => found.regions = items(&value, faults).into_iter().map(|item| item.value).collect(),
        "runs-on" => match value.value.parse::<Labels>() {
            Ok(labels) => found.runs_on = labels,
            Err(error) => faults.at(&value.place, error.to_string(), None),
        },
        _ => found.part_of = items(&value, faults),
    }
    Some(())
}

fn parse<T: FromStr>(value: &At<String>, wanted: &str, faults: &Faults) -> Option<T> {
    let read = value.value.parse().ok();
    if read.is_none() {
        faults.at(&value.place, format!("{wanted} is wanted here, not `{}`", cut(&value.value)), None);
    }
    read
}

/// A list inside one text, separated by commas.
fn items<T: FromStr<Err: fmt::Display>>(value: &At<String>, faults: &Faults) -> Vec<At<T>> {
    let read = |item: &str| match item.trim().parse() {
        Ok(read) => Some(At { value: read, place: value.place.clone() }),
        Err(error) => {
            faults.at(&value.place, T::Err::to_string(&error), None);
            None
        }
    };
    value.value.split(',').filter_map(read).collect()
}

impl Annotations {
    /// The id of a person or an agent, which never changes, whatever happens to names.
    pub(crate) fn id<T: FromStr<Err: fmt::Display>>(&self, name: &Place, faults: &Faults) -> Option<At<T>> {
        let Some(id) = &self.id else {
            let help = format!("records hold this id: draw it once and never change it, `{PREFIX}id: …`");
            faults.at(name, format!("`{}` lacks the annotation `{PREFIX}id`", name.written()), Some(help));
            return None;
        };
        match id.value.parse() {
            Ok(value) => Some(At { value, place: id.place.clone() }),
            Err(error) => {
                faults.at(&id.place, T::Err::to_string(&error), None);
                None
            }
        }
    }
}
