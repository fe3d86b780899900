//! What fits into so many bytes. Everything is a list of lines between a beginning and an end; what does not fit is cut between lines
//! and counted, and several that share a room each get a fair part of it.

/// Lines that belong together: a table, a list, a fence with its title.
#[derive(Clone, Debug, Default)]
pub(in crate::show) struct Part {
    /// How important it is; the least number is the most important.
    pub rank: usize,
    /// What stands before the lines.
    pub before: String,
    /// The lines, without their ends.
    pub lines: Vec<String>,
    /// What stands after them.
    pub after: String,
    /// The line that counts those that are left out.
    pub rest: Option<fn(usize) -> String>,
    /// The lines by importance, where that is not their order.
    pub order: Vec<usize>,
    /// It stands in a list together with its neighbours of this sort.
    pub bullet: bool,
}

impl Part {
    /// One line, which is there or not.
    pub fn line(text: String) -> Self {
        Self { lines: vec![text], ..Self::default() }
    }

    /// How many bytes it takes.
    pub fn size(&self) -> usize {
        self.around() + self.lines.iter().map(|line| line.len() + 1).sum::<usize>()
    }

    fn around(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// All of it.
    pub fn whole(&self) -> String {
        self.with(self.lines.iter().map(String::as_str), None)
    }

    fn with<'a>(&self, lines: impl Iterator<Item = &'a str>, rest: Option<&'a str>) -> String {
        let mut text = self.before.clone();
        for line in lines.chain(rest) {
            text += line;
            text.push('\n');
        }
        text + &self.after
    }

    /// As much of it as fits, at least one line.
    pub fn cut(&self, room: usize) -> Option<String> {
        if self.size() <= room {
            return Some(self.whole());
        }
        let rest = self.rest?;
        // The line that counts is never longer than if it counted all.
        let mut left = room.checked_sub(self.around() + rest(self.lines.len()).len() + 1)?;
        let mut kept = vec![];
        for at in 0..self.lines.len() {
            let at = self.order.get(at).copied().unwrap_or(at);
            let Some(less) = left.checked_sub(self.lines[at].len() + 1) else { break };
            left = less;
            kept.push(at);
        }
        kept.sort_unstable();
        let missing = self.lines.len() - kept.len();
        (!kept.is_empty()).then(|| self.with(kept.iter().map(|at| self.lines[*at].as_str()), Some(&rest(missing))))
    }
}

/// Parts between a beginning and an end.
#[derive(Clone, Debug, Default)]
pub(in crate::show) struct Body {
    /// How important it is; the least is the most important.
    pub rank: usize,
    /// What stands before the parts.
    pub before: String,
    /// The parts, in the order of reading.
    pub parts: Vec<Part>,
    /// What stands after them.
    pub after: String,
}

/// What the line takes that says how many parts are left out.
const REST: usize = 240;
/// A body with less room than this is not worth it.
const LEAST: usize = 400;

impl Body {
    /// How many bytes it takes.
    pub fn size(&self) -> usize {
        // A blank line may stand between two parts.
        self.around() + self.parts.iter().map(|part| part.size() + 1).sum::<usize>()
    }

    fn around(&self) -> usize {
        self.before.len() + self.after.len() + 1
    }

    /// The least room that is worth it.
    pub fn least(&self) -> usize {
        self.size().min(self.around() + REST + LEAST)
    }

    /// All of it.
    pub fn whole(&self) -> String {
        self.joined(self.parts.iter().map(|part| (part.bullet, part.whole())), "")
    }

    /// As much of it as fits, the least important parts left out first. `rest` tells of those, by their ranks.
    pub fn cut(&self, room: usize, rest: impl Fn(&[usize]) -> String) -> Option<String> {
        if self.size() <= room {
            return Some(self.whole());
        }
        let mut left = room.checked_sub(self.around() + REST)?;
        let mut order: Vec<usize> = (0..self.parts.len()).collect();
        order.sort_by_key(|at| self.parts[*at].rank);
        // No part takes more than a third at first, so that one that is huge leaves room for others.
        let cap = left / 3;
        let mut kept: Vec<Option<String>> = vec![None; self.parts.len()];
        for at in &order {
            let part = &self.parts[*at];
            let Some(text) = part.cut(left.saturating_sub(1).min(cap.max(part.size().min(LEAST)))) else { break };
            left -= text.len() + 1;
            kept[*at] = Some(text);
        }
        // What was cut grows into what is left.
        for at in order {
            if let Some(text) = kept[at].take() {
                let longer = self.parts[at].cut(left + text.len()).filter(|longer| longer.len() > text.len());
                let longer = longer.unwrap_or_else(|| text.clone());
                left -= longer.len() - text.len();
                kept[at] = Some(longer);
            }
        }
        let missing: Vec<usize> = self.parts.iter().zip(&kept).filter(|(_, text)| text.is_none()).map(|(part, _)| part.rank).collect();
        let told = if missing.is_empty() { String::new() } else { format!("\n{}\n", rest(&missing)) };
        let shown = self.parts.iter().zip(kept).filter_map(|(part, text)| Some((part.bullet, text?)));
        let text = self.joined(shown, &told);
        (text.len() <= room).then_some(text)
    }

    fn joined(&self, parts: impl Iterator<Item = (bool, String)>, rest: &str) -> String {
        let (mut text, mut bullets) = (self.before.clone(), None);
        for (bullet, part) in parts {
            if bullets.is_some_and(|before| before != bullet) {
                text.push('\n');
            }
            text += &part;
            bullets = Some(bullet);
        }
        let end = if bullets == Some(true) { "\n" } else { "" };
        text + rest + end + &self.after
    }
}

/// What each gets of a room that is too small for all: nobody more than it wants, and nobody less than an equal part if it wants more.
pub(in crate::show) fn shares(wants: &[usize], room: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..wants.len()).collect();
    order.sort_by_key(|at| wants[*at]);
    let (mut shares, mut left) = (vec![0; wants.len()], room);
    for (i, at) in order.iter().enumerate() {
        shares[*at] = wants[*at].min(left / (wants.len() - i));
        left -= shares[*at];
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_fair() {
        assert_eq!(shares(&[10, 1000, 20], 100), [10, 70, 20]);
        assert_eq!(shares(&[500, 500], 100), [50, 50]);
        assert_eq!(shares(&[5, 6], 100), [5, 6]);
        assert_eq!(shares(&[], 100), [0; 0]);
    }

    #[test]
    fn a_part_is_cut_between_lines_and_the_most_important_stay() {
        let lines = ["a", "bb", "ccc"].map(str::to_owned).to_vec();
        let part = Part { before: "<".into(), lines, after: ">".into(), rest: Some(|n| format!("+{n}")), ..Part::default() };
        assert_eq!(part.cut(11).unwrap(), "<a\nbb\nccc\n>");
        assert_eq!(part.cut(10).unwrap(), "<a\nbb\n+1\n>");
        assert_eq!(part.cut(9).unwrap(), "<a\n+2\n>");
        assert_eq!(part.cut(6), None);
        let part = Part { order: vec![2, 0, 1], ..part };
        assert_eq!(part.cut(9).unwrap(), "<ccc\n+2\n>");
    }
}
