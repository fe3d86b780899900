//! What an expression refers to, with all that is asked of it, in words.

use super::expr::{Expr, Node, Target, static_key};
use crate::words::Mode;

/// A reference: the thing, its instance, and the steps behind it that are written out.
struct Path<'a> {
    /// `aws_eip.web`, `var.zones`, `each.value`.
    subject: String,
    /// The same without its instance or output, where it is one: `aws_eip.web` of `aws_eip.web[0]`.
    shorter: Option<String>,
    steps: Vec<String>,
    /// What follows is computed, and no step.
    open: bool,
    /// Indexes that are computed.
    indexes: Vec<&'a Expr>,
}

impl Expr {
    /// The words for all that it refers to: for each reference the whole path, then each shorter one down to the thing itself, as
    /// Terraform gives them.
    pub fn reference_paths(&self) -> Vec<String> {
        let mut found = vec![];
        self.paths(&mut found);
        found
    }

    fn paths(&self, found: &mut Vec<String>) {
        let Some(path) = self.path() else {
            return self.children(&mut |child| child.paths(found));
        };
        let Path { subject, shorter, steps, indexes, .. } = path;
        for count in (0..=steps.len()).rev() {
            found.push(format!("{subject}{}", steps[..count].concat()));
        }
        found.extend(shorter);
        indexes.into_iter().for_each(|index| index.paths(found));
        if let Some(each) = self.splat_rest() {
            each.paths(found);
        }
    }

    /// What is asked of each element, where it ends in a splat.
    fn splat_rest(&self) -> Option<&Self> {
        match &self.node {
            Node::Splat { each, .. } => Some(each),
            Node::Attr(of, _) | Node::Index(of, _) => of.splat_rest(),
            _ => None,
        }
    }

    fn path(&self) -> Option<Path<'_>> {
        let plain = |subject: String| Path { subject, shorter: None, steps: vec![], open: false, indexes: vec![] };
        match &self.node {
            Node::Root(target) => Some(plain(target.to_string())),
            Node::Resource(r) => {
                let data = if r.mode == Mode::Data { "data." } else { "" };
                Some(instance(format!("{data}{}.{}", r.kind, r.name), r.index.as_ref()))
            }
            Node::Module(m) => Some(instance(format!("module.{}", m.name), m.index.as_ref())),
            Node::Attr(of, name) => {
                let mut path = of.path()?;
                if path.open {
                    return Some(path);
                }
                match &of.node {
                    // The thing itself has a name behind it: `each.value`, `path.module`, `module.network.id`.
                    Node::Root(Target::Each | Target::Count | Target::Path | Target::Terraform) => path.subject += &format!(".{name}"),
                    Node::Module(_) => {
                        path.shorter = Some(path.subject.clone());
                        path.subject += &format!(".{name}");
                    }
                    _ => path.steps.push(format!(".{name}")),
                }
                Some(path)
            }
            Node::Index(of, index) => {
                let mut path = of.path()?;
                match index.constant().and_then(|value| static_key(&value)) {
                    Some(key) if !path.open => path.steps.push(key.to_string()),
                    Some(_) => {}
                    None => {
                        path.open = true;
                        path.indexes.push(index);
                    }
                }
                Some(path)
            }
            Node::Splat { source, .. } => source.path().map(|path| Path { open: true, ..path }),
            _ => None,
        }
    }
}

/// A block or module, or the instance of it that an index names.
fn instance(block: String, index: Option<&Expr>) -> Path<'_> {
    let key = index.and_then(Expr::constant).and_then(|value| static_key(&value));
    let computed = index.filter(|_| key.is_none());
    Path {
        subject: key.as_ref().map_or_else(|| block.clone(), |key| format!("{block}{key}")),
        shorter: key.is_some().then_some(block),
        steps: vec![],
        open: computed.is_some(),
        indexes: computed.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_shorter_path_follows_the_whole_one() {
        for (text, wanted) in [
            ("var.a", "var.a"),
            ("local.l.b.c", "local.l.b.c local.l.b local.l"),
            ("aws_eip.a[0].id", "aws_eip.a[0].id aws_eip.a[0] aws_eip.a"),
            ("data.x_y.a.outputs.s", "data.x_y.a.outputs.s data.x_y.a.outputs data.x_y.a"),
            ("aws_eip.a[each.key].id", "aws_eip.a each.key"),
            ("aws_eip.a[*].id", "aws_eip.a"),
            ("module.m.out", "module.m.out module.m"),
            ("module.m[\"k\"].out", "module.m[\"k\"].out module.m[\"k\"]"),
            ("each.value.x", "each.value.x each.value"),
            ("upper(\"${var.a}-${path.module}\")", "var.a path.module"),
            ("var.m[\"k\"][0]", "var.m[\"k\"][0] var.m[\"k\"] var.m"),
            ("[for x in var.l : x.y if local.b]", "var.l local.b"),
            ("1 + 1", ""),
        ] {
            let expr = crate::stack::expression(text, "x").unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(expr.reference_paths().join(" "), wanted, "{text}");
        }
    }
}
