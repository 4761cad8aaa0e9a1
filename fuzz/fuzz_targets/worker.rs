//! One thread with a big stack for all inputs, as the program itself has: interned names live as long as their
//! thread, and a thread per input would look like a leak.

use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};

use yado_ruby::on_big_stack;

struct Worker {
    inputs: Sender<String>,
    done: Receiver<()>,
}

/// Has `run` handle the input on the worker's thread, and waits. A panic there ends the process: libFuzzer's hook
/// sees to it.
pub(crate) fn handle(input: &str, run: fn(&str)) {
    static WORKER: OnceLock<Mutex<Worker>> = OnceLock::new();
    let worker = WORKER.get_or_init(|| {
        let (inputs, received) = channel::<String>();
        let (finished, done) = channel();
        std::thread::spawn(move || {
            on_big_stack(|| {
                for input in received {
                    run(&input);
                    if finished.send(()).is_err() {
                        break;
                    }
                }
            });
        });
        Mutex::new(Worker { inputs, done })
    });
    let worker = worker.lock().expect("nobody else holds it");
    worker.inputs.send(input.to_owned()).expect("the worker waits for inputs");
    worker.done.recv().expect("the worker answers");
}
