//! The modules of a crate, and who imports whom.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::{Expr, ExprLit, File, Item, Lit, Meta};

use crate::imports::{Imports, is_test_only};
use crate::module_path::ModulePath;
use crate::source_tree::SourceTree;

/// How many times a name may be passed on before it is taken to run in a circle.
const PASSES: usize = 32;

#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) file: PathBuf,
    pub(crate) children: BTreeSet<String>,
    pub(crate) imports: Imports,
    /// Has it anything but modules and what it passes on?
    pub(crate) has_code: bool,
}

/// A crate's modules, those of its tests excepted.
#[derive(Debug, Default)]
pub(crate) struct CrateGraph {
    pub(crate) modules: BTreeMap<ModulePath, Module>,
    /// The documentation of the crate's root.
    pub(crate) docs: String,
    /// What kept files from being read as part of the crate.
    pub(crate) faults: Vec<String>,
}

impl CrateGraph {
    pub(crate) fn of(sources: &SourceTree) -> Self {
        let mut reader = Reader { sources, graph: Self::default(), reached: BTreeSet::new() };
        reader.file(&ModulePath::default(), Path::new("lib.rs"), Path::new(""));
        let Reader { mut graph, reached, .. } = reader;
        // Programs of the crate are not part of its library.
        let library = sources.paths().filter(|path| !path.starts_with("bin"));
        let unreached = library.filter(|path| !reached.contains(*path));
        graph.faults.extend(unreached.map(|path| format!("{}: no module declares this file", path.display())));
        graph
    }

    /// The module that defines what `path` names: names are followed to where they were passed on from.
    pub(crate) fn home(&self, path: &ModulePath) -> ModulePath {
        let mut path = path.clone();
        for _ in 0..PASSES {
            let mut module = ModulePath::default();
            let mut rest = path.segments();
            while let Some((name, further)) = rest.split_first()
                && self.modules.get(&module).is_some_and(|found| found.children.contains(name))
            {
                module = module.join(name);
                rest = further;
            }
            let Some((name, further)) = rest.split_first() else { return module };
            let passed_on = self.modules.get(&module).and_then(|found| found.imports.names.get(name));
            let Some(origin) = passed_on else { return module };
            path = origin.extend(further);
        }
        path
    }

    /// Every import of one module from another, by the name of the item and by the module that defines it.
    ///
    /// What a module passes on of its own folder is none: that is how a folder shows its contents.
    pub(crate) fn imports(&self) -> impl Iterator<Item = Import<'_>> {
        self.modules.iter().flat_map(move |(from, module)| {
            let beyond = module.imports.passed_on.iter().filter(move |path| !path.starts_with(from));
            let named = module.imports.used.iter().chain(beyond);
            named.map(move |name| Import { from, to: self.home(name), name, file: &module.file })
        })
    }
}

#[derive(Debug)]
pub(crate) struct Import<'a> {
    pub(crate) from: &'a ModulePath,
    pub(crate) to: ModulePath,
    pub(crate) name: &'a ModulePath,
    pub(crate) file: &'a Path,
}

struct Reader<'a> {
    sources: &'a SourceTree,
    graph: CrateGraph,
    reached: BTreeSet<PathBuf>,
}

impl Reader<'_> {
    /// Reads the module `module` from `file`; the files of its children are in `folder`.
    fn file(&mut self, module: &ModulePath, file: &Path, folder: &Path) {
        self.reached.insert(file.to_owned());
        let parsed = match self.sources.text(file).map(syn::parse_str::<File>) {
            Some(Ok(parsed)) => parsed,
            Some(Err(error)) => return self.graph.faults.push(format!("{}: {error}", file.display())),
            None => return self.graph.faults.push(format!("{}: there is no such file", file.display())),
        };
        if module.is_root() {
            self.graph.docs = docs(&parsed);
        }
        self.module(module, file, folder, &parsed.items);
    }

    fn module(&mut self, module: &ModulePath, file: &Path, folder: &Path, items: &[Item]) {
        let mut children = BTreeSet::new();
        for item in items {
            let Item::Mod(child) = item else { continue };
            let name = child.ident.to_string();
            if is_test_only(&child.attrs) {
                self.reach_tests(&folder.join(name));
                continue;
            }
            let (path, inside) = (module.join(&name), folder.join(&name));
            match &child.content {
                Some((_, items)) => self.module(&path, file, &inside, items),
                None => {
                    let plain = inside.with_extension("rs");
                    let in_folder = inside.join("mod.rs");
                    let file = if self.sources.text(&in_folder).is_some() { in_folder } else { plain };
                    self.file(&path, &file, &inside);
                }
            }
            children.insert(name);
        }
        let imports = Imports::of(module, &children, items);
        let has_code = items.iter().any(|item| !matches!(item, Item::Mod(_) | Item::Use(_)));
        self.graph.modules.insert(module.clone(), Module { file: file.to_owned(), children, imports, has_code });
    }

    /// Tests may import what they like, so their files are not read.
    fn reach_tests(&mut self, module: &Path) {
        let file = module.with_extension("rs");
        let of_tests = self.sources.paths().filter(|path| **path == file || path.starts_with(module));
        self.reached.extend(of_tests.cloned());
    }
}

fn docs(file: &File) -> String {
    let lines = file.attrs.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) => Some(line.value()),
            _ => None,
        },
        _ => None,
    });
    lines.collect::<Vec<_>>().join("\n")
}
