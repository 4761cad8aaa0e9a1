//! The order in which provisioners run: the order of the file, then `before:` and `after:`.

use std::cell::RefCell;
use std::rc::Rc;

use yado_ruby::Value;

use crate::vm::Provisioner;

type One = Rc<RefCell<Provisioner>>;

/// Where a provisioner wants to be.
enum Wish {
    /// Where it stands.
    Own,
    /// Around the provisioner of this name.
    Named(String, bool),
    /// Around each of the others.
    Each(bool),
    /// At the very start or end.
    All(bool),
}

fn wish(one: &Provisioner) -> Wish {
    let (value, before) = match (&one.before, &one.after) {
        (Some(before), _) => (before, true),
        (None, Some(after)) => (after, false),
        (None, None) => return Wish::Own,
    };
    match value {
        Value::Sym(name) if name.as_str() == "each" => Wish::Each(before),
        Value::Sym(name) if name.as_str() == "all" => Wish::All(before),
        other => other.text_or_symbol().map_or(Wish::Own, |name| Wish::Named(name, before)),
    }
}

/// All of them in the order in which they run.
pub(super) fn ordered(list: &[One]) -> Vec<One> {
    let (mut line, mut named, mut each, mut first, mut last) =
        (Vec::<One>::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for one in list {
        match wish(&one.borrow()) {
            Wish::Own => line.push(Rc::clone(one)),
            Wish::Named(name, before) => named.push((Rc::clone(one), name, before)),
            Wish::Each(before) => each.push((Rc::clone(one), before)),
            Wish::All(true) => first.push(Rc::clone(one)),
            Wish::All(false) => last.push(Rc::clone(one)),
        }
    }
    for (one, name, before) in named {
        let target = line.iter().position(|other| other.borrow().name.as_deref() == Some(&name));
        match target {
            Some(position) => line.insert(if before { position } else { position + 1 }, one),
            // Validation complains about it; running it at the end loses nothing until then.
            None => line.push(one),
        }
    }
    let mut result = first;
    for one in line {
        result.extend(each.iter().filter(|(_, before)| *before).map(|(one, _)| Rc::clone(one)));
        result.push(one);
        result.extend(each.iter().filter(|(_, before)| !before).map(|(one, _)| Rc::clone(one)));
    }
    result.extend(last);
    result
}
