//! How long things take, told on request (`cargo test --test e2e -- speed`); nothing is asserted.

use std::time::{Duration, Instant};

use yado_container::ExecRequest;
use yado_container::spec::{Pids, Resources};

use crate::ground::Ground;

const ROUNDS: usize = 40;

struct Series {
    name: &'static str,
    times: Vec<Duration>,
}

impl Series {
    fn new(name: &'static str) -> Self {
        Self { name, times: Vec::with_capacity(ROUNDS) }
    }

    fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = work();
        self.times.push(started.elapsed());
        result
    }

    fn tell(mut self) {
        self.times.sort();
        let milliseconds = |at: usize| self.times[at].as_secs_f64() * 1e3;
        println!(
            "{:24} min {:7.2} ms  median {:7.2} ms  p90 {:7.2} ms",
            self.name,
            milliseconds(0),
            milliseconds(ROUNDS / 2),
            milliseconds(ROUNDS * 9 / 10)
        );
    }
}

/// Measures creation, commands and the end, with and without a limit.
pub(crate) fn report() {
    let ground = Ground::new();
    let names = ["create", "exec true and wait", "stop", "delete", "create, a v1 limit", "exec, a v1 limit"];
    let mut series: Vec<Series> = names.into_iter().map(Series::new).collect();
    for round in 0..ROUNDS {
        let name = format!("speed-{round}");
        let spec = ground.spec(&name);
        let options = ground.options(&name);
        let mut container = series[0].time(|| ground.engine.create(&name, &spec, &options).unwrap());
        let run = || container.exec(&ExecRequest::new(["/bin/true"])).unwrap().wait().unwrap();
        assert!(series[1].time(run).success());
        series[2].time(|| container.stop(Duration::from_secs(5)).unwrap());
        series[3].time(|| container.delete(false).unwrap());
        let mut limited = spec.clone();
        limited.linux.as_mut().unwrap().resources =
            Some(Resources { pids: Some(Pids { limit: 100 }), ..Resources::default() });
        let container = series[4].time(|| ground.engine.create(&name, &limited, &options).unwrap());
        let run = || container.exec(&ExecRequest::new(["/bin/true"])).unwrap().wait().unwrap();
        assert!(series[5].time(run).success());
        container.delete(true).unwrap();
    }
    series.into_iter().for_each(Series::tell);
}
