//! The rows of a plan's text: what happens to each attribute.

use super::{INDENT, NAMES, Page, sign_role};
use crate::show::delta::{Body, Item, Row, Sign};
use crate::show::line::{Line, Role, cut, wrap};

impl Page {
    pub(super) fn rows(&mut self, rows: &[Row]) {
        let longest = rows.iter().map(|row| row.path.len()).filter(|n| *n <= NAMES).max().unwrap_or(0);
        let column = INDENT + longest.max(12) + 2;
        for row in rows {
            self.row(row, column);
        }
    }

    pub(super) fn row(&mut self, row: &Row, column: usize) {
        let mut line = Line::indented(INDENT).with(Role::Plain, row.path.clone());
        if line.width() + 2 > column {
            self.lines.push(std::mem::take(&mut line));
        }
        line.pad(column);
        let forces = |line: &mut Line| {
            if row.forces {
                line.push(Role::Replaced, "  forces replacement");
            }
        };
        let (role, sign, text) = match &row.body {
            Body::Is(text) => (if text.starts_with('(') { Role::Dim } else { Role::Plain }, "", text),
            Body::Added(text) => (Role::New, "+ ", text),
            Body::Removed(text) => (Role::Gone, "- ", text),
            Body::Becomes(old, new) => return self.becomes(line, column, old, new, row.forces),
            Body::Items(items) => return self.items(line, column, items, row.forces),
            Body::Lines(about, items) => {
                line.push(Role::Dim, about.clone());
                forces(&mut line);
                self.lines.push(line);
                return self.block(items);
            }
        };
        let room = self.look.width.saturating_sub(column + sign.len());
        for (i, part) in wrap(text, room).into_iter().enumerate() {
            if i > 0 {
                self.lines.push(std::mem::take(&mut line));
                line.pad(column + sign.len());
            } else {
                line.push(role, sign);
            }
            line.push(role, part);
        }
        forces(&mut line);
        self.lines.push(line);
    }

    /// `"a" -> "b"` on one line, or below one another.
    pub(super) fn becomes(&mut self, mut line: Line, column: usize, old: &str, new: &str, forces: bool) {
        let note = if forces { "  forces replacement" } else { "" };
        line.push(Role::Gone, old);
        if column + old.len() + 4 + new.len() + note.len() > self.look.width {
            self.lines.push(std::mem::take(&mut line));
            line.pad(column.saturating_sub(3));
            line.push(Role::Plain, "-> ");
        } else {
            line.push(Role::Plain, " -> ");
        }
        line.push(if new.starts_with('(') { Role::Dim } else { Role::New }, new);
        line.push(Role::Replaced, note);
        self.lines.push(line);
    }

    pub(super) fn items(&mut self, first: Line, column: usize, items: &[Item], forces: bool) {
        let mut line = first;
        let mut note = if forces { "  forces replacement" } else { "" };
        let rules = items.iter().map(|i| i.text.len()).filter(|n| *n < 40).max().unwrap_or(0);
        // A heading with one item below it is one line.
        let fold = |items: &[Item]| match items {
            [head, one, rest @ ..]
                if head.sign == Sign::Same && head.depth == 0 && one.depth == 1 && rest.first().is_none_or(|r| r.depth == 0) =>
            {
                Some((head.clone(), one.clone()))
            }
            _ => None,
        };
        let mut rest = items;
        while let Some(item) = rest.first() {
            if line.width() < column {
                line.pad(column);
            }
            let (lead, item, used) = match fold(rest) {
                Some((head, one)) => (format!("{}: ", head.text), Item { danger: head.danger.or(one.danger.clone()), depth: 0, ..one }, 2),
                None => (String::new(), item.clone(), 1),
            };
            rest = &rest[used..];
            let indent = column + item.depth * 2;
            line.push(Role::Plain, " ".repeat(item.depth * 2) + &lead);
            let role = sign_role(item.sign);
            let sign = if item.sign == Sign::Same { String::new() } else { format!("{} ", item.sign.mark()) };
            let room = self.look.width.saturating_sub(indent + lead.len() + sign.len());
            for (i, part) in wrap(&item.text, room.max(24)).into_iter().enumerate() {
                if i > 0 {
                    self.lines.push(std::mem::take(&mut line));
                    line.pad(indent + sign.len() + 2);
                    line.push(role, part);
                } else {
                    line.push(role, format!("{sign}{part}"));
                }
            }
            line.push(Role::Replaced, std::mem::take(&mut note));
            if let Some(danger) = &item.danger {
                let text = format!("! {danger}");
                if line.width() + 2 + text.len() > self.look.width {
                    self.lines.push(std::mem::take(&mut line));
                    line.pad(indent + sign.len());
                } else {
                    line.pad(indent + sign.len() + rules + 2);
                }
                line.push(Role::Danger, text);
            }
            self.lines.push(std::mem::take(&mut line));
        }
    }

    /// Lines of a longer text behind a rule.
    pub(super) fn block(&mut self, items: &[Item]) {
        for item in items {
            let text = cut(&item.text, self.look.width.saturating_sub(INDENT + 6));
            let role = if item.sign == Sign::Same { Role::Dim } else { sign_role(item.sign) };
            self.lines.push(Line::indented(INDENT + 2).with(Role::Dim, "│ ").with(role, format!("{}{text}", item.sign.mark())));
        }
    }

    /// Short attributes side by side, as many as fit; a longer one on a line of its own. Their order stays.
    pub(super) fn cells(&mut self, rows: &[Row], fold: &str) {
        let short = |row: &Row| matches!(&row.body, Body::Is(v) if v.len() <= 26 && row.path.len() <= NAMES);
        let (mut names, mut values) = (12, 0);
        for row in rows.iter().filter(|row| row.path.len() <= NAMES) {
            names = names.max(row.path.len());
            if let (true, Body::Is(value)) = (short(row), &row.body) {
                values = values.max(value.chars().count());
            }
        }
        let cell = names + 2 + values + 3;
        let across = ((self.look.width - INDENT + 3) / cell).clamp(1, 3);
        for group in rows.chunk_by(|a, b| short(a) && short(b)) {
            match group {
                [row] => self.row(row, INDENT + names + 2),
                group => group.chunks(across).for_each(|chunk| self.side_by_side(chunk, names, cell)),
            }
        }
        let open = matches!(rows.last().map(|row| &row.body), Some(Body::Lines(..) | Body::Items(_)));
        // Behind a text it would look like a part of it.
        match self.lines.last_mut() {
            _ if fold.is_empty() => {}
            Some(last) if !open && last.width() + 2 + fold.len() <= self.look.width => last.push(Role::Dim, format!("  {fold}")),
            _ => self.lines.push(Line::indented(INDENT).with(Role::Dim, fold)),
        }
    }

    fn side_by_side(&mut self, chunk: &[Row], names: usize, cell: usize) {
        let mut line = Line::default();
        for (i, row) in chunk.iter().enumerate() {
            let Body::Is(value) = &row.body else { continue };
            line.pad(INDENT + i * cell);
            line.push(Role::Plain, row.path.clone());
            line.pad(INDENT + i * cell + names + 2);
            line.push(if value.starts_with('(') { Role::Dim } else { Role::Plain }, value.clone());
        }
        self.lines.push(line);
    }
}
