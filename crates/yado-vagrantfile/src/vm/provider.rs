//! `config.vm.provider NAME do |p, override| … end`: blocks are kept, and run whenever a configuration is completed.

use std::rc::Rc;

use indexmap::IndexMap;
use yado_core::spec::Origin;
use yado_ruby::{Args, Arity, Eval, Interpreter, Proc, Value};

use super::{cell_of, with_vm};
use crate::config::origin;
use crate::hash::take_options;
use crate::object;
use crate::session::{Block, Session};

/// A provider that was mentioned.
#[derive(Clone, Default)]
pub(crate) struct Mention {
    /// Its blocks, in order.
    pub(crate) blocks: Vec<Rc<Proc>>,
    /// The same for those that take a second argument, as blocks of a configuration that is laid over everything.
    pub(crate) overrides: Vec<Block>,
    /// Where it was mentioned first.
    pub(crate) origin: Option<Origin>,
}

/// `config.vm.provider`
pub(super) fn provider(interpreter: &mut Interpreter, this: &Value, mut args: Args) -> Eval {
    let cell = cell_of(interpreter, this)?;
    let block = args.block.take();
    drop(take_options(&mut args));
    if args.len() != 1 {
        return interpreter.wrong_arguments(args.len(), "1");
    }
    let name = interpreter.to_s(&args.at(0))?;
    let origin = origin(interpreter);
    let wrapped = block.clone().filter(|block| block.arity() == 2).map(|block| {
        let session = Rc::clone(&cell.session);
        let body = Proc::native(Arity::at_least(1), move |interpreter, _, args| {
            let dummy = session.dummy(interpreter);
            interpreter.call_proc(&block, Args::of(vec![dummy, args.at(0)]))
        });
        Block { version: "2".to_owned(), body }
    });
    with_vm(&cell, |vm| {
        let mention = vm.providers.entry(name).or_insert_with(|| Mention { origin, ..Mention::default() });
        mention.blocks.extend(block);
        mention.overrides.extend(wrapped);
    });
    Ok(Value::Nil)
}

/// `config.vm.get_provider_config`
pub(super) fn get_provider_config(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let cell = cell_of(interpreter, this)?;
    let name = interpreter.to_s(&args.at(0))?;
    let known = with_vm(&cell, |vm| vm.compiled.get(&name).cloned()).flatten();
    Ok(known.unwrap_or(Value::Nil))
}

/// Both scopes: the older one's blocks and order first.
pub(super) fn merged(
    older: &IndexMap<String, Mention>,
    newer: &IndexMap<String, Mention>,
) -> IndexMap<String, Mention> {
    let mut result = older.clone();
    for (name, mention) in newer {
        match result.get_mut(name) {
            Some(known) => {
                known.blocks.extend(mention.blocks.iter().cloned());
                known.overrides.extend(mention.overrides.iter().cloned());
            }
            None => {
                result.insert(name.clone(), mention.clone());
            }
        }
    }
    result
}

/// Runs the blocks of a provider, each on an object of its own, and completes what they say together.
pub(super) fn compile(
    interpreter: &mut Interpreter,
    session: &Rc<Session>,
    name: &str,
    blocks: &[Rc<Proc>],
) -> Eval {
    let kind = session.provider(name);
    let mut config = session.make(interpreter, &kind)?;
    for block in blocks {
        let outcome = run_block(interpreter, session, &kind, block)
            .and_then(|own| object::merge(interpreter, session, &config, &own));
        config = match outcome {
            Ok(merged) => merged,
            Err(control) => return Err(crate::failure::in_block(interpreter, "provider", name, control)),
        };
    }
    object::finalize(interpreter, session, &config)?;
    Ok(config)
}

fn run_block(
    interpreter: &mut Interpreter,
    session: &Rc<Session>,
    kind: &crate::session::Kind,
    block: &Rc<Proc>,
) -> Eval {
    let own = session.make(interpreter, kind)?;
    let dummy = session.dummy(interpreter);
    interpreter.call_proc(block, Args::of(vec![own.clone(), dummy]))?;
    Ok(own)
}
