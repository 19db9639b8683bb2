//! What a module names of other modules.

use std::collections::{BTreeMap, BTreeSet};

use syn::buffer::{Cursor, TokenBuffer};
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, ItemMod, ItemUse, Macro, Meta, Path, TraitItem, UseTree, Visibility};

use crate::module_path::ModulePath;

/// What a module's code refers to, that of its `#[cfg(test)]` parts excepted.
#[derive(Debug, Default)]
pub(crate) struct Imports {
    /// Items and modules of this crate that code or a private `use` names.
    pub(crate) used: BTreeSet<ModulePath>,
    /// Those that a `use` with a visibility passes on.
    pub(crate) passed_on: BTreeSet<ModulePath>,
    /// What each name that a `use` brought here stands for.
    pub(crate) names: BTreeMap<String, ModulePath>,
    /// Other crates.
    pub(crate) crates: BTreeSet<String>,
}

impl Imports {
    /// Looks through the items of the module `here`, whose child modules are `children`.
    pub(crate) fn of(here: &ModulePath, children: &BTreeSet<String>, items: &[Item]) -> Self {
        let mut collector = Collector { here, children, found: Self::default() };
        items.iter().for_each(|item| collector.visit_item(item));
        collector.found
    }
}

/// Is the item there for tests alone?
pub(crate) fn is_test_only(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let Meta::List(list) = &attribute.meta else { return attribute.path().is_ident("test") };
        let condition = list.tokens.to_string();
        list.path.is_ident("cfg") && (condition == "test" || condition.starts_with("all (test ,"))
    })
}

struct Collector<'a> {
    here: &'a ModulePath,
    children: &'a BTreeSet<String>,
    found: Imports,
}

impl Collector<'_> {
    /// The absolute path that `segments` stand for in this module, if it is one of this crate.
    fn resolve(&self, segments: &[String]) -> Option<ModulePath> {
        let (first, mut rest) = segments.split_first()?;
        let mut from = match first.as_str() {
            "crate" => return Some(ModulePath::default().extend(rest)),
            "self" if !rest.is_empty() => self.here.clone(),
            "super" => self.here.parent()?,
            child if self.children.contains(child) => return Some(self.here.extend(segments)),
            _ => return None,
        };
        while let Some((first, further)) = rest.split_first()
            && first == "super"
        {
            from = from.parent()?;
            rest = further;
        }
        Some(from.extend(rest))
    }

    fn use_code(&mut self, segments: &[String]) {
        if let Some(path) = self.resolve(segments) {
            self.found.used.insert(path);
        } else if let [first, _, ..] = segments {
            self.found.crates.insert(first.clone());
        }
    }

    fn use_tree(&mut self, tree: &UseTree, prefix: &mut Vec<String>, passes_on: bool) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.use_tree(&path.tree, prefix, passes_on);
                prefix.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.use_tree(tree, prefix, passes_on)),
            UseTree::Name(name) => self.use_name(prefix, &name.ident.to_string(), None, passes_on),
            UseTree::Rename(rename) => {
                self.use_name(prefix, &rename.ident.to_string(), Some(rename.rename.to_string()), passes_on);
            }
            // What exactly a star brings is not looked up: it counts as the module itself.
            UseTree::Glob(_) => self.use_name(prefix, "self", Some("*".to_owned()), passes_on),
        }
    }

    fn use_name(&mut self, prefix: &[String], name: &str, alias: Option<String>, passes_on: bool) {
        let mut segments = prefix.to_vec();
        if name != "self" || segments.is_empty() {
            segments.push(name.to_owned());
        }
        let Some(path) = self.resolve(&segments) else {
            self.found.crates.extend(segments.into_iter().next());
            return;
        };
        let alias = alias.or_else(|| segments.last().cloned());
        self.found.names.extend(alias.map(|alias| (alias, path.clone())));
        if passes_on { &mut self.found.passed_on } else { &mut self.found.used }.insert(path);
    }

    /// Macros may take anything, so their tokens are only searched for paths that begin as this crate's do.
    fn scan(&mut self, mut cursor: Cursor<'_>) {
        while !cursor.eof() {
            if let Some((segments, next)) = path_at(cursor) {
                if ["crate", "self", "super"].contains(&segments[0].as_str()) {
                    self.use_code(&segments);
                }
                cursor = next;
            } else if let Some((inside, _, _, next)) = cursor.any_group() {
                self.scan(inside);
                cursor = next;
            } else if let Some((_, next)) = cursor.token_tree() {
                cursor = next;
            } else {
                return;
            }
        }
    }
}

/// The path that begins here, if an identifier does.
fn path_at(cursor: Cursor<'_>) -> Option<(Vec<String>, Cursor<'_>)> {
    let (ident, mut next) = cursor.ident()?;
    let mut segments = vec![ident.to_string()];
    while let Some((first, after)) = next.punct()
        && let Some((second, after)) = after.punct()
        && (first.as_char(), second.as_char()) == (':', ':')
        && let Some((ident, after)) = after.ident()
    {
        segments.push(ident.to_string());
        next = after;
    }
    Some((segments, next))
}

impl<'ast> Visit<'ast> for Collector<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test_only(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if !matches!(item, ImplItem::Fn(function) if is_test_only(&function.attrs)) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        if !matches!(item, TraitItem::Fn(function) if is_test_only(&function.attrs)) {
            visit::visit_trait_item(self, item);
        }
    }

    /// A module of its own: looked at as such.
    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}

    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    /// `pub(in …)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.leading_colon.is_none() {
            let passes_on = !matches!(item.vis, Visibility::Inherited);
            self.use_tree(&item.tree, &mut Vec::new(), passes_on);
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none() {
            let segments: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.use_code(&segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invocation: &'ast Macro) {
        self.scan(TokenBuffer::new2(invocation.tokens.clone()).begin());
        visit::visit_macro(self, invocation);
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
