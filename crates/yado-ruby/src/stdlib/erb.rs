//! ERB: turns a template into Ruby source that builds its text in `_erbout`.

/// How line ends around tags are treated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Trim {
    /// `>`: no line end after a line that ends with a tag.
    pub after_tag: bool,
    /// `<>`: no line end after a line that begins and ends with a tag.
    pub whole_line: bool,
    /// `-`: `-%>` swallows the line end, `<%-` the indentation.
    pub explicit: bool,
    /// `%`: lines that begin with a percent sign are Ruby.
    pub percent_lines: bool,
}

impl Trim {
    /// Reads `trim_mode`.
    pub(crate) fn parse(mode: &str) -> Self {
        Self {
            percent_lines: mode.contains('%'),
            explicit: mode.contains('-'),
            whole_line: mode.contains("<>"),
            after_tag: mode.contains('>') && !mode.contains("<>"),
        }
    }
}

/// The Ruby source of a template. Its lines stand where they stood, so that errors name the right line.
pub(crate) fn compile(template: &str, trim: Trim, variable: &str) -> String {
    let mut compiler = Compiler {
        out: format!("{variable} = +''; "),
        variable: variable.to_owned(),
        trim,
        line_begins_with_tag: false,
        at_line_start: true,
    };
    let mut rest = template;
    loop {
        if trim.percent_lines && compiler.at_line_start && rest.starts_with('%') {
            let end = rest.find('\n').map_or(rest.len(), |at| at + 1);
            let line = &rest[1..end];
            rest = &rest[end..];
            match line.strip_prefix('%') {
                Some(literal) => compiler.text(&format!("%{literal}")),
                None if line.ends_with('\n') => compiler.out.push_str(line),
                None => compiler.out.push_str(&format!("{line}\n")),
            }
            continue;
        }
        let open = rest.find("<%");
        let line_end = if trim.percent_lines { rest.find("\n%") } else { None };
        match (open, line_end) {
            (tag, Some(end)) if tag.is_none_or(|tag| end < tag) => {
                compiler.text(&rest[..=end]);
                rest = &rest[end + 1..];
            }
            (Some(tag), _) => {
                let text = &rest[..tag];
                rest = compiler.tag(text, &rest[tag + 2..]);
            }
            (None, _) => {
                compiler.text(rest);
                break;
            }
        }
        if rest.is_empty() {
            break;
        }
    }
    compiler.out.push_str(&compiler.variable);
    compiler.out
}

struct Compiler {
    out: String,
    variable: String,
    trim: Trim,
    line_begins_with_tag: bool,
    at_line_start: bool,
}

impl Compiler {
    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let text = text.replace("%%>", "%>");
        let quoted = text.replace('\\', "\\\\").replace('"', "\\\"").replace('#', "\\#");
        // Real line ends inside the literal keep the line numbers of the template.
        self.out.push_str(&format!("{}.<< \"{quoted}\"; ", self.variable));
        self.at_line_start = text.ends_with('\n');
        if let Some(last_line) = text.rsplit('\n').next()
            && text.contains('\n')
        {
            self.line_begins_with_tag = last_line.is_empty();
        } else {
            self.line_begins_with_tag = false;
        }
    }

    /// One tag: the text before it, and what follows its `<%`. Answers what follows the tag.
    fn tag<'t>(&mut self, before: &str, after: &'t str) -> &'t str {
        if let Some(rest) = after.strip_prefix('%') {
            self.text(before);
            self.text("<%");
            return rest;
        }
        let dash = self.trim.explicit && after.starts_with('-');
        let before = if dash {
            let indentation = before.len() - before.trim_end_matches([' ', '\t']).len();
            let kept = &before[..before.len() - indentation];
            let line_start = kept.is_empty() && self.at_line_start || kept.ends_with('\n');
            if line_start { kept } else { before }
        } else {
            before
        };
        let begins_line = if before.is_empty() { self.at_line_start } else { before.ends_with('\n') };
        self.text(before);
        if begins_line {
            self.line_begins_with_tag = true;
        }
        let after = if dash { &after[1..] } else { after };
        let end = after.find("%>").unwrap_or(after.len());
        let (mut code, mut rest) = (&after[..end], after.get(end + 2..).unwrap_or(""));
        let mut swallow = false;
        if self.trim.explicit && code.ends_with('-') {
            code = &code[..code.len() - 1];
            swallow = true;
        }
        match code.chars().next() {
            Some('#') => self.out.push_str(&"\n".repeat(code.matches('\n').count())),
            Some('=') => {
                self.out.push_str(&format!("{}.<<(({}).to_s); ", self.variable, code[1..].trim_end()));
            }
            _ => {
                self.out.push_str(code);
                // A comment at the end of the code must not hide what follows.
                self.out.push_str(if code.contains('#') { "\n" } else { "; " });
            }
        }
        swallow |= self.trim.after_tag || self.trim.whole_line && self.line_begins_with_tag;
        self.at_line_start = false;
        if swallow && let Some(line_end) = ["\r\n", "\n"].into_iter().find(|end| rest.starts_with(end)) {
            rest = &rest[line_end.len()..];
            self.out.push('\n');
            self.at_line_start = true;
            self.line_begins_with_tag = false;
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_code_alternate() {
        assert_eq!(
            compile("a <%= x %>\n<% if y %>b<% end %>", Trim::default(), "_erbout"),
            "_erbout = +''; _erbout.<< \"a \"; _erbout.<<(( x).to_s); _erbout.<< \"\n\";  if y ; _erbout.<< \"b\";  end ; _erbout"
        );
    }

    #[test]
    fn trim_modes_swallow_line_ends() {
        let count =
            |mode: &str, template: &str| compile(template, Trim::parse(mode), "o").matches("\"\n\"").count();
        assert_eq!(count("", "<% x %>\n"), 1);
        assert_eq!(count(">", "<% x %>\n"), 0);
        assert_eq!(count("<>", "<% x %>\n"), 0);
        assert_eq!(count("<>", "a<% x %>\n"), 1);
        assert_eq!(count("-", "<% x -%>\n"), 0);
        assert_eq!(count("-", "<% x %>\n"), 1);
    }
}
