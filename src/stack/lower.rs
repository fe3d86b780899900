//! From the parser's tree of an expression to ours: names resolved, functions looked up, places kept.

use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::expr::{self as hcl, BinaryOperator, Expression, ObjectKey, TraversalOperator, UnaryOperator};
use hcl_edit::structure::Body;
use hcl_edit::template::{self as tpl, Directive, Element};
use unicode_normalization::UnicodeNormalization as _;

use super::expr::{Binary, Call, Expr, For, ModuleRef, Node, Part, ResourceRef, Target, Template, Unary};
use super::functions;
use super::heredoc;
use super::place::Place;
use crate::words::error::nearest;
use crate::words::{Diagnostic, Diagnostics, Mode, Number, Span, Value};

type Range = Option<std::ops::Range<usize>>;

/// Makes expressions of the parser's, and keeps what is wrong with them.
pub(super) struct Lower<'a> {
    place: &'a Place,
    errors: &'a mut Diagnostics,
    /// Variables of the `for`s around.
    locals: Vec<Arc<str>>,
    /// Inside a string in quotes.
    quoted: bool,
    /// In a template file every name is a variable of the template.
    free: bool,
}

/// The most steps of a reference: each is a level of the tree.
const STEPS: usize = 100;

/// The words that stand at the head of a reference, besides resource types.
const HEADS: &[&str] = &["var", "local", "data", "module", "each", "count", "self", "path", "terraform", "resource"];

/// Whether a text holds no template.
pub(super) fn is_plain(text: &str) -> bool {
    !text.contains("${") && !text.contains("%{")
}

/// A string of a stack as an expression: a single `${...}` keeps its type, anything else with `${` or `%{` makes a string.
pub(super) fn template(text: &str, place: &Place, errors: &mut Diagnostics) -> Expr {
    let whole = place.whole();
    if is_plain(text) {
        return Expr::literal(Value::String(nfc(text)), &whole);
    }
    match hcl_edit::parser::parse_template(text) {
        Ok(parsed) => Lower { place, errors, locals: vec![], quoted: false, free: false }.template(&parsed, whole),
        Err(e) => {
            errors.push(refused(text, &e, place, "the template"));
            Expr::literal(Value::Null, &whole)
        }
    }
}

/// The text of a file as a template whose names are all given to it.
pub(super) fn file(text: &str, place: &Place) -> Result<Template, Diagnostics> {
    let mut errors = Diagnostics::default();
    let body = match hcl_edit::parser::parse_template(text) {
        Ok(parsed) => Lower { place, errors: &mut errors, locals: vec![], quoted: false, free: true }.template(&parsed, place.whole()),
        Err(e) => return Err(refused(text, &e, place, "the template").into()),
    };
    body.wrongs().into_iter().for_each(|wrong| errors.push(wrong));
    errors.unless_errors(Template { body })
}

/// A bare expression, as in a `.tf` file or at the console.
pub(super) fn expression(text: &str, place: &Place) -> Result<Expr, Diagnostics> {
    let mut errors = Diagnostics::default();
    let parse = |text: &str| hcl_edit::parser::parse_expr(text.trim_end());
    let parsed: Expression = parse(text)
        .or_else(|e| {
            // A comment at the end is no part of an expression to the parser.
            let rest = text.get(e.location().offset()..).unwrap_or_default();
            let comment = rest.trim_start().starts_with(['#', '/']) && !rest.trim().contains('\n');
            if comment { parse(&text[..e.location().offset()]).map_err(|_| e) } else { Err(e) }
        })
        .map_err(|e| refused(text, &e, place, "the expression"))?;
    let expr = Lower { place, errors: &mut errors, locals: vec![], quoted: false, free: false }.expr(&parsed);
    errors.unless_errors(expr)
}

/// A file of `name = expression` lines.
pub(super) fn attributes(text: &str, place: &Place) -> Result<Vec<(Arc<str>, Span, Expr)>, Diagnostics> {
    let mut errors = Diagnostics::default();
    let parsed: Body = hcl_edit::parser::parse_body(text).map_err(|e| refused(text, &e, place, "the file"))?;
    let mut found = vec![];
    for structure in &parsed {
        match structure.as_attribute() {
            Some(attribute) => {
                let span = place.span(attribute.key.span());
                let expr = Lower { place, errors: &mut errors, locals: vec![], quoted: false, free: false }.expr(&attribute.value);
                found.push((attribute.key.as_str().into(), span, expr));
            }
            None => {
                errors
                    .push(Diagnostic::error("a file of values holds no blocks").at(&place.span(structure.span()), "write `name = value`"));
            }
        }
    }
    errors.unless_errors(found)
}

/// What the parser refused, at its place, with more help than the parser gives.
fn refused(text: &str, e: &hcl_edit::parser::Error, place: &Place, what: &str) -> Diagnostic {
    let at = e.location().offset();
    let mut end = (at + 1).min(text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    let found = Diagnostic::error(format!("can't read {what}: {}", e.message())).at(&place.span(Some(at..end)), "here");
    let count = |word: &str| {
        let starts = |rest: &&str| rest.trim_start_matches('~').trim_start().starts_with(word);
        text.split("%{").skip(1).filter(starts).count()
    };
    for (open, close) in [("if", "endif"), ("for", "endfor")] {
        if count(open) != count(close) {
            return found.help(format!(
                "each `%{{ {open} ... }}` needs its `%{{ {close} }}`: there are {} and {}",
                count(open),
                count(close)
            ));
        }
    }
    if text.matches("${").count() > text.matches('}').count() {
        return found.help("a `${` is not closed by `}`; to mean the characters themselves write `$${`");
    }
    if text.contains("${") || text.contains("%{") {
        return found.help("to mean the characters `${` or `%{` themselves write `$${` or `%%{`");
    }
    found
}

impl Lower<'_> {
    fn span(&self, range: Range) -> Span {
        self.place.span(range)
    }

    fn wrong(&mut self, summary: impl Into<String>, at: &Span, label: impl Into<String>) -> Node {
        self.errors.push(Diagnostic::error(summary).at(at, label));
        Node::Literal(Value::Null)
    }

    fn boxed(&mut self, e: &Expression) -> Box<Expr> {
        Box::new(self.expr(e))
    }

    fn expr(&mut self, e: &Expression) -> Expr {
        let span = self.span(e.span());
        let node = match e {
            Expression::Null(_) => Node::Literal(Value::Null),
            Expression::Bool(b) => Node::Literal(Value::Bool(*b.value())),
            Expression::Number(n) => Node::Literal(number(n)),
            Expression::String(s) => Node::Literal(Value::String(nfc(s.value()))),
            Expression::Array(items) => Node::Tuple(items.iter().map(|e| self.expr(e)).collect()),
            Expression::Object(items) => Node::Object(items.iter().map(|(k, v)| (self.key(k), self.expr(v.expr()))).collect()),
            Expression::StringTemplate(t) => {
                let before = std::mem::replace(&mut self.quoted, true);
                let expr = self.parts_or_one(&t.iter().collect::<Vec<_>>(), span);
                self.quoted = before;
                return expr;
            }
            Expression::HeredocTemplate(t) => return self.heredoc(t, span),
            Expression::Parenthesis(p) => self.expr(p.inner()).node,
            Expression::Variable(name) => return self.head(name.value().as_str(), span, &mut [].iter()),
            Expression::Conditional(c) => {
                Node::Cond(Box::new([self.expr(&c.cond_expr), self.expr(&c.true_expr), self.expr(&c.false_expr)]))
            }
            Expression::FuncCall(call) => self.call(call),
            Expression::Traversal(t) => return self.traversal(t),
            Expression::UnaryOp(op) => {
                let operator = if *op.operator.value() == UnaryOperator::Neg { Unary::Neg } else { Unary::Not };
                Node::Unary(operator, self.boxed(&op.expr))
            }
            Expression::BinaryOp(op) => {
                let at = self.span(op.operator.span());
                Node::Binary(binary(*op.operator.value()), at, Box::new([self.expr(&op.lhs_expr), self.expr(&op.rhs_expr)]))
            }
            Expression::ForExpr(f) => self.for_expr(f),
        };
        Expr::new(node, span)
    }

    fn key(&mut self, key: &ObjectKey) -> Expr {
        match key {
            ObjectKey::Ident(name) => Expr::literal(Value::from(name.value().as_str()), &self.span(name.span())),
            // Without parentheses it is a name like any other.
            ObjectKey::Expression(Expression::Null(_)) => Expr::literal(Value::from("null"), &self.span(key.span())),
            ObjectKey::Expression(e) => self.expr(e),
        }
    }

    fn call(&mut self, call: &hcl::FuncCall) -> Node {
        let at = self.span(call.name.name.span());
        let name = call.name.name.as_str();
        let args: Vec<Expr> = call.args.iter().map(|e| self.expr(e)).collect();
        let core = call.name.namespace.first().is_none_or(|ns| ns.as_str() == "core");
        let Some(function) = functions::named(name).filter(|_| core) else {
            let mut error = Diagnostic::error(format!("there is no function `{name}`"));
            let near = nearest(name, functions::names());
            error = error.at(&at, near.map_or_else(|| "no such function".into(), |near| format!("did you mean `{near}`?")));
            return Node::Wrong(Box::new(error));
        };
        let (given, expand) = (args.len(), call.args.expand_final());
        let (low, high) = (function.least(), function.most());
        if !expand && (given < low || given > high) {
            let wanted = match (low, high) {
                (low, usize::MAX) => format!("at least {low}"),
                (low, high) if low == high => low.to_string(),
                (low, high) => format!("{low} to {high}"),
            };
            let error = Diagnostic::error(format!(
                "`{name}` takes {wanted} argument{}, and {given} are given",
                if wanted == "1" { "" } else { "s" }
            ));
            return Node::Wrong(Box::new(error.at(&at, function.signature())));
        }
        Node::Call(Box::new(Call { function, name: at, args, expand }))
    }

    fn for_expr(&mut self, f: &hcl::ForExpr) -> Node {
        let collection = self.expr(&f.intro.collection_expr);
        let key_var: Option<Arc<str>> = f.intro.key_var.as_ref().map(|v| v.as_str().into());
        let value_var: Arc<str> = f.intro.value_var.as_str().into();
        let depth = self.locals.len();
        self.locals.extend(key_var.clone());
        self.locals.push(value_var.clone());
        let key = f.key_expr.as_ref().map(|e| self.expr(e));
        let value = self.expr(&f.value_expr);
        let cond = f.cond.as_ref().map(|c| self.expr(&c.expr));
        self.locals.truncate(depth);
        Node::For(Box::new(For { key_var, value_var, collection, key, value, cond, grouping: f.grouping }))
    }

    fn traversal(&mut self, t: &hcl::Traversal) -> Expr {
        if t.operators.len() > STEPS {
            let at = self.span(t.span());
            return Expr::new(self.wrong("this reference is too long", &at, format!("more than {STEPS} steps")), at);
        }
        let mut steps = t.operators.iter();
        let base = match &t.expr {
            Expression::Variable(name) => {
                let span = self.span(t.expr.span());
                self.head(name.value().as_str(), span, &mut steps)
            }
            other => self.expr(other),
        };
        self.steps(base, &mut steps)
    }

    /// Applies what follows, until nothing is left.
    fn steps(&mut self, mut base: Expr, steps: &mut std::slice::Iter<'_, hcl_edit::Decorated<TraversalOperator>>) -> Expr {
        while let Some(step) = steps.next() {
            let span = join(&base.span, &self.span(step.span()));
            let node = match step.value() {
                TraversalOperator::GetAttr(name) => Node::Attr(Box::new(base), name.as_str().into()),
                TraversalOperator::Index(e) => Node::Index(Box::new(base), self.boxed(e)),
                TraversalOperator::LegacyIndex(n) => {
                    if let Some(TraversalOperator::LegacyIndex(_)) = steps.as_slice().first().map(|s| s.value()) {
                        self.errors.push(Diagnostic::error("two indexes behind dots can't follow each other").at(&span, "write `[0][1]`"));
                    }
                    Node::Index(Box::new(base), Box::new(legacy(*n.value(), &span)))
                }
                TraversalOperator::FullSplat(_) => {
                    let element = Expr::new(Node::Local("*".into()), span.clone());
                    let each = self.steps(element, steps);
                    let span = join(&span, &each.span);
                    return Expr::new(Node::Splat { source: Box::new(base), each: Box::new(each) }, span);
                }
                TraversalOperator::AttrSplat(_) => {
                    let mut each = Expr::new(Node::Local("*".into()), span.clone());
                    // Brackets apply to the list that the splat makes.
                    while let Some(step) = steps.as_slice().first() {
                        let at = join(&span, &self.span(step.span()));
                        let node = match step.value() {
                            TraversalOperator::GetAttr(name) => Node::Attr(Box::new(each), name.as_str().into()),
                            TraversalOperator::LegacyIndex(n) => Node::Index(Box::new(each), Box::new(legacy(*n.value(), &at))),
                            _ => break,
                        };
                        each = Expr::new(node, at);
                        steps.next();
                    }
                    let span = join(&span, &each.span);
                    base = Expr::new(Node::Splat { source: Box::new(base), each: Box::new(each) }, span);
                    continue;
                }
            };
            base = Expr::new(node, span);
        }
        base
    }

    /// What a name at the head means; takes the steps that belong to it.
    fn head(&mut self, name: &str, span: Span, steps: &mut std::slice::Iter<'_, hcl_edit::Decorated<TraversalOperator>>) -> Expr {
        if self.free || self.locals.iter().any(|l| **l == *name) {
            return Expr::new(Node::Local(name.into()), span);
        }
        let mut span = span;
        let mut named = |this: &mut Self, span: &mut Span| match steps.as_slice().first().map(|s| (s.value(), s.span())) {
            Some((TraversalOperator::GetAttr(next), at)) => {
                *span = join(span, &this.span(at));
                steps.next();
                Some(Arc::<str>::from(next.as_str()))
            }
            _ => None,
        };
        let root = |target| Node::Root(target);
        let node = match name {
            "each" => root(Target::Each),
            "count" => root(Target::Count),
            "self" => root(Target::SelfRef),
            "path" => root(Target::Path),
            "terraform" => root(Target::Terraform),
            "var" | "local" | "module" => match named(self, &mut span) {
                Some(next) if name == "var" => root(Target::Variable(next)),
                Some(next) if name == "local" => root(Target::Local(next)),
                Some(name) => {
                    let index = self.index(&mut span, steps);
                    Node::Module(Box::new(ModuleRef { name, index }))
                }
                None => self.wrong(format!("`{name}` needs a name behind it"), &span, format!("write `{name}.NAME`")),
            },
            _ => {
                let mode = if name == "data" { Mode::Data } else { Mode::Managed };
                let kind = if matches!(name, "data" | "resource") { named(self, &mut span) } else { Some(name.into()) };
                let wanted = kind.and_then(|kind| Some((kind, named(self, &mut span)?)));
                let Some((kind, name)) = wanted else {
                    return Expr::new(self.no_such_name(name, &span), span);
                };
                let index = self.index(&mut span, steps);
                Node::Resource(Box::new(ResourceRef { mode, kind, name, index }))
            }
        };
        Expr::new(node, span)
    }

    /// The index right behind a resource or module; widens the span by it.
    fn index(&mut self, span: &mut Span, steps: &mut std::slice::Iter<'_, hcl_edit::Decorated<TraversalOperator>>) -> Option<Expr> {
        let step = steps.as_slice().first()?;
        let at = join(span, &self.span(step.span()));
        let index = match step.value() {
            TraversalOperator::Index(e) => self.expr(e),
            TraversalOperator::LegacyIndex(n) => legacy(*n.value(), &at),
            _ => return None,
        };
        steps.next();
        *span = at;
        Some(index)
    }

    fn no_such_name(&mut self, name: &str, span: &Span) -> Node {
        let locals = self.locals.iter().map(|l| &**l);
        let near = nearest(name, locals.chain(HEADS.iter().copied())).filter(|near| *near != name);
        let label = near.map_or_else(|| "no such name".to_owned(), |near| format!("did you mean `{near}`?"));
        let error = Diagnostic::error(format!("`{name}` refers to nothing")).at(span, label);
        self.errors.push(error.help("references look like `var.NAME`, `local.NAME`, `TYPE.NAME.ATTRIBUTE` or `data.TYPE.NAME.ATTRIBUTE`; a text inside `${...}` needs quotes"));
        Node::Literal(Value::Null)
    }

    /// A heredoc. What `<<-` takes off its lines it takes off those within directives, too, which the parser does not.
    fn heredoc(&mut self, t: &tpl::HeredocTemplate, span: Span) -> Expr {
        let before = std::mem::replace(&mut self.quoted, false);
        let flushed = self.place.text().zip(hcl_edit::Span::span(t)).and_then(|(text, range)| heredoc::flush(text, range));
        let expr = match flushed {
            Some((text, marks)) => {
                let place = self.place.flushed(&marks);
                match hcl_edit::parser::parse_template(&text) {
                    Ok(parsed) => {
                        let locals = std::mem::take(&mut self.locals);
                        let mut inner = Lower { place: &place, errors: self.errors, locals, quoted: false, free: self.free };
                        let expr = inner.template(&parsed, span);
                        self.locals = inner.locals;
                        expr
                    }
                    // It was parsed once already.
                    Err(_) => self.parts_or_one(&t.template.iter().collect::<Vec<_>>(), span),
                }
            }
            None => self.parts_or_one(&t.template.iter().collect::<Vec<_>>(), span),
        };
        self.quoted = before;
        expr
    }

    fn template(&mut self, t: &tpl::Template, whole: Span) -> Expr {
        self.parts_or_one(&t.iter().collect::<Vec<_>>(), whole)
    }

    /// A single `${...}` is the expression in it.
    fn parts_or_one(&mut self, elements: &[&Element], whole: Span) -> Expr {
        if let [Element::Interpolation(one)] = elements {
            return self.expr(&one.expr);
        }
        let parts = self.parts(elements, false, false, false);
        match &parts[..] {
            [] => Expr::literal(Value::from(""), &whole),
            [Part::Text(text)] => Expr::literal(Value::String(text.clone()), &whole),
            _ => Expr::new(Node::Template(parts), whole),
        }
    }

    /// The elements as parts. Strip markers are done away with here: each takes the white space off the text next to it.
    /// `raw` says that the parser left the escapes of a quoted string in them, as it does inside of directives.
    fn parts(&mut self, elements: &[&Element], strip_first: bool, strip_last: bool, raw: bool) -> Vec<Part> {
        let strips = |e: &Element, left: bool| match e {
            Element::Literal(_) => false,
            Element::Interpolation(i) if left => i.strip.strip_start(),
            Element::Interpolation(i) => i.strip.strip_end(),
            Element::Directive(d) => match (&**d, left) {
                (Directive::If(d), true) => d.if_expr.strip.strip_start(),
                (Directive::If(d), false) => d.endif_expr.strip.strip_end(),
                (Directive::For(d), true) => d.for_expr.strip.strip_start(),
                (Directive::For(d), false) => d.endfor_expr.strip.strip_end(),
            },
        };
        let mut parts = vec![];
        for (i, element) in elements.iter().enumerate() {
            match element {
                Element::Literal(text) => {
                    let plain = if raw { unescaped(text.value()) } else { std::borrow::Cow::Borrowed(text.value().as_str()) };
                    let mut text = &*plain;
                    // Outside of quotes each line is a text of its own, and only the nearest one is stripped.
                    let (first, last) = if self.quoted { (text.len(), 0) } else { (first_line(text), last_line(text)) };
                    let mut start = 0;
                    if i.checked_sub(1).map_or(strip_first, |before| strips(elements[before], false)) {
                        start = first - text[..first].trim_start().len();
                    }
                    if elements.get(i + 1).map_or(strip_last, |after| strips(after, true)) {
                        let end = last + text[last..].trim_end().len();
                        text = &text[..end.max(start)];
                    }
                    text = &text[start..];
                    if !text.is_empty() {
                        parts.push(Part::Text(nfc(text)));
                    }
                }
                Element::Interpolation(i) => parts.push(Part::Value(self.expr(&i.expr))),
                Element::Directive(d) => parts.push(self.directive(d)),
            }
        }
        parts
    }

    fn directive(&mut self, directive: &Directive) -> Part {
        match directive {
            Directive::If(d) => {
                let cond = self.expr(&d.if_expr.cond_expr);
                let end = d.endif_expr.strip.strip_start();
                let then_end = d.else_expr.as_ref().map_or(end, |e| e.strip.strip_start());
                let then = self.parts(&d.if_expr.template.iter().collect::<Vec<_>>(), d.if_expr.strip.strip_end(), then_end, self.quoted);
                let otherwise = d
                    .else_expr
                    .as_ref()
                    .map_or_else(Vec::new, |e| self.parts(&e.template.iter().collect::<Vec<_>>(), e.strip.strip_end(), end, self.quoted));
                Part::If { cond, then, otherwise }
            }
            Directive::For(d) => {
                let collection = self.expr(&d.for_expr.collection_expr);
                let key_var: Option<Arc<str>> = d.for_expr.key_var.as_ref().map(|v| v.as_str().into());
                let value_var: Arc<str> = d.for_expr.value_var.as_str().into();
                let depth = self.locals.len();
                self.locals.extend(key_var.clone());
                self.locals.push(value_var.clone());
                let elements: Vec<_> = d.for_expr.template.iter().collect();
                let body = self.parts(&elements, d.for_expr.strip.strip_end(), d.endfor_expr.strip.strip_start(), self.quoted);
                self.locals.truncate(depth);
                Part::For { key_var, value_var, collection, body }
            }
        }
    }
}

/// Where the first line of a text ends.
fn first_line(text: &str) -> usize {
    text.find('\n').map_or(text.len(), |at| at + 1)
}

/// Where its last line begins.
fn last_line(text: &str) -> usize {
    text.strip_suffix('\n').unwrap_or(text).rfind('\n').map_or(0, |at| at + 1)
}

/// A text with the escapes of a quoted string in it.
pub fn unescaped(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut made = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            made.push(c);
            continue;
        }
        let code = |digits: usize, chars: &mut std::str::Chars<'_>| {
            let hex: String = chars.by_ref().take(digits).collect();
            u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32)
        };
        made.extend(match chars.next() {
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('u') => code(4, &mut chars),
            Some('U') => code(8, &mut chars),
            other => other,
        });
    }
    made.into()
}

/// The text in the normal form in which all texts are held: what looks the same is the same.
pub(super) fn nfc(text: &str) -> Arc<str> {
    if text.is_ascii() || unicode_normalization::is_nfc(text) { text.into() } else { text.nfc().collect::<String>().into() }
}

/// From the start of the one to the end of the other.
fn join(a: &Span, b: &Span) -> Span {
    Span { end: b.end.max(a.end), ..a.clone() }
}

fn legacy(n: u64, span: &Span) -> Expr {
    Expr::literal(i64::try_from(n).map_or(Value::Null, Value::from), span)
}

fn number(n: &hcl_edit::Formatted<hcl_edit::Number>) -> Value {
    // The parser's own number has no more digits than a double.
    let written = n.as_repr().and_then(|text| Number::parse(&text.replace(char::is_whitespace, "")));
    let exact = || n.value().as_i64().map(Number::from);
    written.or_else(exact).or_else(|| n.value().as_f64().and_then(Number::from_f64)).map_or(Value::Null, Value::Number)
}

fn binary(operator: BinaryOperator) -> Binary {
    match operator {
        BinaryOperator::Eq => Binary::Eq,
        BinaryOperator::NotEq => Binary::NotEq,
        BinaryOperator::LessEq => Binary::LessEq,
        BinaryOperator::GreaterEq => Binary::GreaterEq,
        BinaryOperator::Less => Binary::Less,
        BinaryOperator::Greater => Binary::Greater,
        BinaryOperator::Plus => Binary::Plus,
        BinaryOperator::Minus => Binary::Minus,
        BinaryOperator::Mul => Binary::Times,
        BinaryOperator::Div => Binary::Over,
        BinaryOperator::Mod => Binary::Modulo,
        BinaryOperator::And => Binary::And,
        BinaryOperator::Or => Binary::Or,
    }
}

/// A parsed expression as one of ours.
pub(super) fn lowered(e: &Expression, place: &Place, errors: &mut Diagnostics) -> Expr {
    Lower { place, errors, locals: vec![], quoted: false, free: false }.expr(e)
}
