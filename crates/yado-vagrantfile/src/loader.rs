//! Puts configurations together: which blocks count for a machine, in which order. Every block runs once and its
//! result is kept, so that what it says to an outer `config` counts for all machines.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use yado_ruby::{Args, Eval, Interpreter, Proc, Value};

use crate::config::{ConfigCell, Extra};
use crate::host::reading::Reading;
use crate::root::Root;
use crate::session::{Block, Session};
use crate::v1::OldRoot;

/// What a block said.
enum Said {
    /// In the current language.
    Current(Rc<Root>),
    /// In that of version 1.
    Old(Rc<OldRoot>),
}

/// The box that a machine wants, for finding what the box itself has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedBox {
    /// The machine.
    pub machine: String,
    /// The box's name.
    pub name: String,
    /// Constraints on its version, as the Vagrantfile has them.
    pub version: Option<String>,
    /// The provider that the machine is made with.
    pub provider: String,
}

/// Finds the Vagrantfile of an installed box.
pub type BoxVagrantfiles = Box<dyn Fn(&WantedBox) -> Option<PathBuf>>;

/// See the module.
pub(crate) struct Loader {
    session: Rc<Session>,
    reading: Rc<Reading>,
    /// Set while a box's Vagrantfile speaks, which somebody else wrote: trust in the project is not meant for it.
    foreign: Rc<Cell<bool>>,
    boxes: Option<BoxVagrantfiles>,
    /// Vagrantfiles of boxes that were read.
    boxed: Vec<(PathBuf, Vec<Block>)>,
    /// The one of them that failed.
    pub(crate) at_fault: Option<PathBuf>,
    /// Blocks that ran, and what they said. Keeping the block keeps its address its own.
    done: Vec<(Rc<Proc>, Said)>,
    /// The blocks of the files that count for all machines.
    pub(crate) base: Vec<Block>,
    /// The configuration of a machine without regard to its provider, for whoever asks for it next.
    ahead: Option<(String, usize, Rc<Root>)>,
}

impl Loader {
    /// A loader that has run nothing.
    pub(crate) fn new(
        session: &Rc<Session>,
        reading: Rc<Reading>,
        foreign: Rc<Cell<bool>>,
        boxes: Option<BoxVagrantfiles>,
    ) -> Self {
        let (boxed, done, base) = (Vec::new(), Vec::new(), Vec::new());
        let session = Rc::clone(session);
        Self { session, reading, foreign, boxes, boxed, at_fault: None, done, base, ahead: None }
    }

    /// Runs a file; what it gives to `Vagrant.configure` is the result.
    pub(crate) fn read(&mut self, interpreter: &mut Interpreter, path: &Path) -> Eval<Vec<Block>> {
        // It may lie anywhere; that it is read was not the Vagrantfile's decision.
        self.reading.permit(path);
        let before = std::mem::take(&mut *self.session.captured.borrow_mut());
        let outcome = interpreter.eval_file(path);
        let blocks = std::mem::replace(&mut *self.session.captured.borrow_mut(), before);
        outcome?;
        crate::vagrant::resolve_plugins(interpreter, &self.session)?;
        Ok(blocks)
    }

    /// What a block says, running it if it did not run yet.
    fn run(&mut self, interpreter: &mut Interpreter, block: &Block) -> Eval<usize> {
        if let Some(known) = self.done.iter().position(|(body, _)| Rc::ptr_eq(body, &block.body)) {
            return Ok(known);
        }
        let (object, said) = match block.version.as_str() {
            "1" => {
                let root = OldRoot::new(&self.session);
                (root.object(interpreter), Said::Old(root))
            }
            "2" => {
                let root = Root::new(&self.session);
                (root.object(interpreter), Said::Current(root))
            }
            other => {
                let text = format!("the configuration version {other:?} is not known; use \"2\"");
                return interpreter.raise("NoMethodError", text);
            }
        };
        interpreter.call_proc(&block.body, Args::one(object))?;
        self.done.push((Rc::clone(&block.body), said));
        Ok(self.done.len() - 1)
    }

    /// The completed configuration that these blocks make together.
    pub(crate) fn load(&mut self, interpreter: &mut Interpreter, groups: &[&[Block]]) -> Eval<Rc<Root>> {
        let result = Root::new(&self.session);
        for block in groups.iter().flat_map(|group| group.iter()) {
            let index = self.run(interpreter, block)?;
            let root = match &self.done[index].1 {
                Said::Current(root) => Rc::clone(root),
                Said::Old(old) => Rc::clone(old).upgraded(interpreter)?,
            };
            result.take_in(interpreter, &root)?;
        }
        result.finalize(interpreter)?;
        Ok(result)
    }

    /// How many blocks ran. What a block says may count for every machine.
    pub(crate) fn blocks_run(&self) -> usize {
        self.done.len()
    }

    /// The configuration of a machine before its provider is known. It is completed once for this and for the next
    /// [`machine`](Self::machine) of that name, as code that runs while it is completed can tell how often that is.
    pub(crate) fn machine_ahead(
        &mut self,
        interpreter: &mut Interpreter,
        global: &Root,
        name: &str,
    ) -> Eval<Rc<Root>> {
        let config = self.machine(interpreter, global, name, None)?;
        self.ahead = Some((name.to_owned(), self.done.len(), Rc::clone(&config)));
        Ok(config)
    }

    /// The configuration of one machine. With a provider, its overrides are laid over everything, and the Vagrantfile
    /// of the machine's box, when that is installed, below everything.
    pub(crate) fn machine(
        &mut self,
        interpreter: &mut Interpreter,
        global: &Root,
        name: &str,
        provider: Option<&str>,
    ) -> Eval<Rc<Root>> {
        let own = machine_blocks(global, name);
        let base = self.base.clone();
        let mut config = match self.ahead.take() {
            Some((known, run, config)) if known == name && run == self.done.len() => config,
            _ => self.load(interpreter, &[&base, &own])?,
        };
        let Some(provider) = provider else { return Ok(config) };
        // A provider's override can name another box, and overriding starts again then; so does Vagrant, which does
        // it all once more when that box is not installed. Blocks that count their runs can see it.
        let initial = wanted_box(&config);
        let mut seen = initial.clone();
        for _ in 0..2 {
            let mut below = self.box_blocks(interpreter, &config, name, provider)?;
            if let Some(below) = &below {
                config = self.load(interpreter, &[below, &base, &own])?;
            }
            // A box name that changes with every run would go on for ever.
            for _ in 0..8 {
                let over = vm_of(&config, |vm| vm.overrides(provider)).unwrap_or_default();
                if !over.is_empty() {
                    let below = below.as_deref().unwrap_or_default();
                    config = self.load(interpreter, &[below, &base, &own, &over])?;
                }
                let now = wanted_box(&config);
                if same(&now, &seen) {
                    break;
                }
                below = self.box_blocks(interpreter, &config, name, provider)?;
                seen = now;
            }
            if below.is_some() {
                break;
            }
            seen = (initial.1.clone(), seen.1);
        }
        Ok(config)
    }

    /// What the box that this configuration wants has to say itself; `None` when it is not installed, says nothing, or
    /// is not to be heard. Its blocks have run afterwards.
    fn box_blocks(
        &mut self,
        interpreter: &mut Interpreter,
        config: &Root,
        machine: &str,
        provider: &str,
    ) -> Eval<Option<Vec<Block>>> {
        let Some(boxes) = self.boxes.as_ref().filter(|_| !ignores_box(config)) else { return Ok(None) };
        let (name, version) = wanted_box(config);
        let Some(name) = name.text_or_symbol().filter(|name| !name.is_empty()) else { return Ok(None) };
        let version = version.text_or_symbol();
        let wanted = WantedBox { machine: machine.to_owned(), name, version, provider: provider.to_owned() };
        let Some(path) = boxes(&wanted) else { return Ok(None) };
        if let Some((_, blocks)) = self.boxed.iter().find(|(known, _)| *known == path) {
            return Ok(Some(blocks.clone()));
        }
        let before = self.foreign.replace(true);
        let outcome = self.read(interpreter, &path).and_then(|blocks| {
            blocks.iter().try_for_each(|block| self.run(interpreter, block).map(drop))?;
            Ok(blocks)
        });
        self.foreign.set(before);
        let blocks = outcome.inspect_err(|_| self.at_fault = Some(path.clone()))?;
        self.boxed.push((path, blocks.clone()));
        Ok(Some(blocks))
    }
}

/// Box and version.
type Wanted = (Value, Value);

fn wanted_box(config: &Root) -> Wanted {
    vm_cell(config).map_or((Value::Nil, Value::Nil), |cell| {
        let config = cell.config.borrow();
        (config.get("box"), config.get("box_version"))
    })
}

fn same(a: &Wanted, b: &Wanted) -> bool {
    yado_ruby::eql(&a.0, &b.0) && yado_ruby::eql(&a.1, &b.1)
}

fn ignores_box(config: &Root) -> bool {
    vm_cell(config).is_some_and(|cell| cell.config.borrow().get("ignore_box_vagrantfile").truthy())
}

/// The `vm` section of a completed configuration.
pub(crate) fn vm_cell(config: &Root) -> Option<Rc<ConfigCell>> {
    ConfigCell::of(config.sections.borrow().get("vm")?)
}

/// Looks at the lists of the `vm` section.
pub(crate) fn vm_of<T>(config: &Root, look: impl FnOnce(&crate::vm::Vm) -> T) -> Option<T> {
    let cell = vm_cell(config)?;
    match &*cell.extra.borrow() {
        Extra::Vm(vm) => Some(look(vm)),
        _ => None,
    }
}

fn machine_blocks(global: &Root, name: &str) -> Vec<Block> {
    vm_of(global, |vm| vm.machines.get(name).map(|machine| machine.blocks.clone()))
        .flatten()
        .unwrap_or_default()
}
