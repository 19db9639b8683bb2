//! What the floors demand.

use std::collections::{BTreeMap, BTreeSet};

use crate::crate_graph::CrateGraph;
use crate::floor_map::FloorMap;
use crate::module_path::ModulePath;
use crate::source_tree::SourceTree;

/// Everything that is wrong with a crate's modules, in words for whoever has to mend it.
pub(crate) fn faults(sources: &SourceTree) -> Vec<String> {
    let graph = CrateGraph::of(sources);
    let floors = FloorMap::parse(&graph.docs);
    let mut faults = graph.faults.clone();
    faults.extend(wrong_entries(&graph, &floors));
    faults.extend(upward_imports(&graph, &floors));
    faults.extend(circles(&graph, &floors));
    faults
}

/// The modules on or below floor `below` that name the crate `name`.
pub(crate) fn users_of(sources: &SourceTree, name: &str, below: u32) -> Vec<String> {
    let graph = CrateGraph::of(sources);
    let floors = FloorMap::parse(&graph.docs);
    let low = |module: &ModulePath| floors.unit(module).is_some_and(|(_, floor)| *floor <= below);
    let users = graph.modules.iter().filter(|(path, module)| low(path) && module.imports.crates.contains(name));
    users.map(|(path, _)| format!("{path} imports from {name}")).collect()
}

/// The table tells of every module, of each once, and of none that there is not.
fn wrong_entries(graph: &CrateGraph, floors: &FloorMap) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for (entry, _) in floors.entries() {
        if !graph.modules.contains_key(entry) {
            faults.push(format!("the floors name a module that does not exist: {entry}"));
        }
        if !seen.insert(entry) {
            faults.push(format!("the floors name a module twice: {entry}"));
        }
    }
    for (path, module) in &graph.modules {
        let shown = path.is_root() || floors.unit(path).is_some();
        if !shown && (module.has_code || module.children.is_empty()) {
            faults.push(format!("{}: {path} stands on no floor", module.file.display()));
        }
    }
    faults
}

fn upward_imports(graph: &CrateGraph, floors: &FloorMap) -> Vec<String> {
    let mut faults = Vec::new();
    for import in graph.imports() {
        let (file, from, name, to) = (import.file.display(), import.from, import.name, &import.to);
        if from.is_root() {
            continue;
        }
        if to.is_root() {
            faults.push(format!("{file}: {from} imports {name} from the crate's root, which is above every floor"));
        }
        // A module without a floor is a fault of its own.
        let (Some((unit, floor)), Some((other, above))) = (floors.unit(from), floors.unit(to)) else { continue };
        if unit != other && above > floor {
            faults.push(format!("{file}: {from} on floor {floor} imports {name}, which {to} defines on floor {above}"));
        }
    }
    faults
}

/// The circles among the entries of the table, and, in every folder, among what is in it.
fn circles(graph: &CrateGraph, floors: &FloorMap) -> Vec<String> {
    let mut faults = BTreeSet::new();
    let mut edges = Edges::default();
    for import in graph.imports() {
        if let (Some((from, _)), Some((to, _))) = (floors.unit(import.from), floors.unit(&import.to)) {
            edges.add(&from.to_string(), &to.to_string());
        }
    }
    faults.extend(edges.circle());
    for (folder, module) in &graph.modules {
        if module.children.is_empty() {
            continue;
        }
        let mut edges = Edges::default();
        for import in graph.imports() {
            let ends = [import.from, &import.to];
            if ends.iter().all(|end| end.starts_with(folder)) {
                // The folder's own file counts as one of the things in it.
                let [from, to] =
                    ends.map(|end| end.step_below(folder).map_or(folder.clone(), |name| folder.join(name)));
                edges.add(&from.to_string(), &to.to_string());
            }
        }
        faults.extend(edges.circle());
    }
    faults.into_iter().collect()
}

/// Who imports whom, by names.
#[derive(Default)]
struct Edges(BTreeMap<String, BTreeSet<String>>);

impl Edges {
    fn add(&mut self, from: &str, to: &str) {
        if from != to {
            self.0.entry(from.to_owned()).or_default().insert(to.to_owned());
        }
    }

    /// Some circle, if there is one.
    fn circle(&self) -> Option<String> {
        let mut done = BTreeSet::new();
        self.0.keys().find_map(|start| self.search(start, &mut Vec::new(), &mut done))
    }

    fn search<'a>(&'a self, at: &'a str, way: &mut Vec<&'a str>, done: &mut BTreeSet<&'a str>) -> Option<String> {
        if let Some(first) = way.iter().position(|name| *name == at) {
            return Some(format!("a circle: {} -> {at}", way[first..].join(" -> ")));
        }
        if !done.insert(at) {
            return None;
        }
        way.push(at);
        let next = self.0.get(at).into_iter().flatten();
        let circle = next.into_iter().find_map(|name| self.search(name, way, done));
        way.pop();
        circle
    }
}
