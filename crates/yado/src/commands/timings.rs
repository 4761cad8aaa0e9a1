//! `--timings`: where the time of a command went, as a tree for people and as a file for trace viewers.

use std::path::Path;
use std::thread::ThreadId;
use std::time::Duration;

use serde_json::{Value, json};
use yado_core::error::Doing;
use yado_core::timing::Span;
use yado_core::{Error, ErrorKind, Result};

use crate::session::Session;

/// Refuses a file that cannot be written, before the work that it is to tell of.
pub(super) fn check(file: Option<&Path>) -> Result<()> {
    let folder = file.and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
    match (file, folder.is_some_and(|folder| !folder.is_dir())) {
        (Some(file), true) => Err(Error::new(
            ErrorKind::Usage,
            format!("'{}' cannot be written: its folder does not exist.", file.display()),
        )),
        _ => Ok(()),
    }
}

/// Prints the tree; writes the trace, too, when a file is named.
pub(super) fn tell(session: &Session, file: Option<&Path>) -> Result<()> {
    let Some(timings) = session.context.host.timings() else { return Ok(()) };
    let (spans, all) = (timings.spans(), timings.elapsed());
    session.ui.plain(tree(&spans, all).trim_end());
    if let Some(path) = file {
        let text = trace(&spans, all).to_string();
        std::fs::write(path, text).doing(|| format!("writing '{}'", path.display()))?;
    }
    Ok(())
}

/// A line of the tree: pieces of work of one name within one other, and what lies within them.
#[derive(Debug)]
struct Node {
    what: String,
    count: usize,
    took: Duration,
    /// How much of it something that lies within went on for.
    within: Duration,
    below: Vec<Node>,
}

fn end(span: &Span) -> Duration {
    span.start + span.took.unwrap_or_default()
}

/// The piece of work that each lies within: the last that began before it and goes on, of its own thread or else of the
/// first thread, which waits for the others.
fn parents(spans: &[Span]) -> Vec<Option<usize>> {
    let first = spans.first().map(|span| span.thread);
    let holds = |outer: &Span, inner: &Span| outer.start <= inner.start && end(outer) >= end(inner);
    let before = |place: usize, thread: Option<ThreadId>| {
        spans[..place].iter().rposition(|outer| Some(outer.thread) == thread && holds(outer, &spans[place]))
    };
    (0..spans.len())
        .map(|place| before(place, Some(spans[place].thread)).or_else(|| before(place, first)))
        .collect()
}

fn nodes(spans: &[Span], parents: &[Option<usize>], of: &[usize]) -> Vec<Node> {
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    let belongs = |place: &usize| parents[*place].map_or(of.is_empty(), |parent| of.contains(&parent));
    for place in (0..spans.len()).filter(belongs) {
        match groups.iter_mut().find(|(what, _)| *what == spans[place].what) {
            Some((_, places)) => places.push(place),
            None => groups.push((spans[place].what.clone(), vec![place])),
        }
    }
    let took = |places: &[usize]| places.iter().map(|place| spans[*place].took.unwrap_or_default()).sum();
    groups
        .into_iter()
        .map(|(what, places)| {
            let inside = |place: &usize| parents[*place].is_some_and(|parent| places.contains(&parent));
            let inner: Vec<usize> = (0..spans.len()).filter(inside).collect();
            Node {
                what,
                count: places.len(),
                took: took(&places),
                within: covered(spans, &inner),
                below: nodes(spans, parents, &places),
            }
        })
        .collect()
}

/// The time for which any of these went on; they may do so side by side.
fn covered(spans: &[Span], places: &[usize]) -> Duration {
    let (mut sum, mut until) = (Duration::ZERO, Duration::ZERO);
    // They are in the order in which they began.
    for span in places.iter().map(|place| &spans[*place]) {
        sum += end(span).saturating_sub(span.start.max(until));
        until = until.max(end(span));
    }
    sum
}

/// Where the time went, in the order in which it did.
fn tree(spans: &[Span], all: Duration) -> String {
    let parents = parents(spans);
    let below = nodes(spans, &parents, &[]);
    let top: Vec<usize> = (0..spans.len()).filter(|place| parents[*place].is_none()).collect();
    let within = covered(spans, &top);
    let root = Node { what: "in all".to_owned(), count: 1, took: all, within, below };
    let mut lines = Vec::new();
    list(&root, 0, &mut lines);
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = String::from("Where the time went:\n");
    for (name, took) in lines {
        let part = took.as_secs_f64() / all.as_secs_f64().max(1e-9);
        let bar = "#".repeat((part * 30.0).round() as usize);
        let milliseconds = took.as_secs_f64() * 1000.0;
        let line = format!("  {name:width$}  {milliseconds:>10.1} ms  {:>3.0} %  {bar}", part * 100.0);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn list(node: &Node, depth: usize, lines: &mut Vec<(String, Duration)>) {
    let times = if node.count > 1 { format!(", {} times", node.count) } else { String::new() };
    lines.push((format!("{}{}{times}", "  ".repeat(depth), node.what), node.took));
    for below in &node.below {
        list(below, depth + 1, lines);
    }
    let rest = node.took.saturating_sub(node.within);
    if !node.below.is_empty() && rest > Duration::from_millis(1) && rest > node.took / 20 {
        lines.push((format!("{}(the rest)", "  ".repeat(depth + 1)), rest));
    }
}

/// The same as Chrome's trace format has it, which Perfetto opens: complete events, times in microseconds.
fn trace(spans: &[Span], all: Duration) -> Value {
    let microseconds = |time: Duration| time.as_secs_f64() * 1e6;
    let mut threads: Vec<ThreadId> = Vec::new();
    let mut events = vec![
        json!({"ph": "M", "pid": 1, "name": "process_name", "args": {"name": "yado"}}),
        json!({"ph": "X", "pid": 1, "tid": 1, "name": "in all", "ts": 0, "dur": microseconds(all)}),
    ];
    for span in spans {
        let number = threads.iter().position(|thread| *thread == span.thread).unwrap_or_else(|| {
            threads.push(span.thread);
            threads.len() - 1
        });
        let took = span.took.unwrap_or_default();
        events.push(json!({
            "ph": "X", "pid": 1, "tid": number + 1, "name": span.what, "ts": microseconds(span.start),
            "dur": microseconds(took)
        }));
    }
    for number in 1..=threads.len() {
        let name = if number == 1 { "yado".to_owned() } else { format!("at the same time {}", number - 1) };
        events
            .push(json!({"ph": "M", "pid": 1, "tid": number, "name": "thread_name", "args": {"name": name}}));
    }
    json!({"displayTimeUnit": "ms", "traceEvents": events})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(what: &str, thread: ThreadId, start: u64, took: u64) -> Span {
        let [start, took] = [start, took].map(Duration::from_millis);
        Span { what: what.to_owned(), thread, start, took: Some(took) }
    }

    #[test]
    fn work_stands_below_what_it_lies_within_and_other_threads_below_whoever_waits() {
        let main = std::thread::current().id();
        let other = std::thread::spawn(|| std::thread::current().id()).join().unwrap();
        let spans = [
            span("read", main, 0, 10),
            span("boxes", main, 10, 50),
            span("box for web", other, 12, 40),
            span("machine web", main, 70, 30),
            span("start it", main, 71, 20),
            span("program docker inspect", main, 72, 5),
            span("program docker inspect", main, 80, 5),
        ];
        let drawn = tree(&spans, Duration::from_millis(100));
        let lines: Vec<&str> = drawn.lines().collect();
        assert!(lines[1].starts_with("  in all") && lines[1].contains("100.0 ms  100 %"), "{drawn}");
        assert!(lines[4].starts_with("      box for web") && lines[4].contains("40.0 ms"), "{drawn}");
        let inspect = lines.iter().find(|line| line.contains("program docker inspect, 2 times")).unwrap();
        assert!(inspect.starts_with("        ") && inspect.contains("10.0 ms"), "{drawn}");
        // What no piece of work accounts for is told, also of the boxes, for which another thread worked.
        let rests: Vec<&&str> = lines.iter().filter(|line| line.contains("(the rest)")).collect();
        assert_eq!(rests.len(), 4, "{drawn}");
        assert!(rests[3].starts_with("    (the rest)") && rests[3].contains("10.0 ms"), "{drawn}");
    }

    #[test]
    fn traces_hold_complete_events_on_named_threads() {
        let main = std::thread::current().id();
        let spans = [span("a", main, 1, 5), span("b", main, 2, 3)];
        let trace = trace(&spans, Duration::from_millis(7));
        let events = trace["traceEvents"].as_array().unwrap();
        let complete: Vec<&Value> = events.iter().filter(|event| event["ph"] == "X").collect();
        assert_eq!(complete.len(), 3);
        assert_eq!((complete[1]["ts"].as_f64(), complete[1]["dur"].as_f64()), (Some(1000.0), Some(5000.0)));
        assert!(events.iter().any(|event| event["name"] == "thread_name" && event["tid"] == 1));
    }
}
