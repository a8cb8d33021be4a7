//! Who waits for one limit: by priority, within a priority in turns between the clusters.
//!
//! All calls cost the same, so deficit round-robin is plain round-robin here: each cluster has its own line, and the lines take turns.

use std::collections::VecDeque;

use clb_model::operation::Priority;
use tokio::sync::oneshot;

/// Somebody who waits.
pub(crate) struct Waiter<T> {
    /// Told when it is its turn.
    pub(crate) ready: oneshot::Sender<T>,
}

/// The line of one cluster within one priority.
struct Line<T> {
    cluster: String,
    waiters: VecDeque<Waiter<T>>,
}

/// Everybody who waits for one limit.
pub(crate) struct Queue<T> {
    /// By priority, the most urgent first; the front line of each is served next.
    classes: [VecDeque<Line<T>>; 3],
    length: usize,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            classes: [VecDeque::new(), VecDeque::new(), VecDeque::new()],
            length: 0,
        }
    }
}

impl<T> Queue<T> {
    /// How many wait. Those who have gone away count until they are swept.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    pub(crate) fn push(&mut self, cluster: &str, priority: Priority, waiter: Waiter<T>) {
        let [urgent, backends, normal] = &mut self.classes;
        let class = match priority {
            Priority::Urgent => urgent,
            Priority::Backends => backends,
            Priority::Normal => normal,
        };
        self.length += 1;
        match class.iter_mut().find(|line| line.cluster == cluster) {
            Some(line) => line.waiters.push_back(waiter),
            None => class.push_back(Line {
                cluster: cluster.to_owned(),
                waiters: VecDeque::from([waiter]),
            }),
        }
    }

    /// Forgets those who have gone away.
    pub(crate) fn sweep(&mut self) {
        self.length = 0;
        for class in &mut self.classes {
            for line in class.iter_mut() {
                line.waiters.retain(|waiter| !waiter.ready.is_closed());
                self.length += line.waiters.len();
            }
            class.retain(|line| !line.waiters.is_empty());
        }
    }

    /// The next one who is still there.
    pub(crate) fn pop(&mut self) -> Option<Waiter<T>> {
        loop {
            let class = self.classes.iter_mut().find(|class| !class.is_empty())?;
            let mut line = class.pop_front()?;
            let waiter = line.waiters.pop_front();
            if !line.waiters.is_empty() {
                class.push_back(line);
            }
            if let Some(waiter) = waiter {
                self.length = self.length.saturating_sub(1);
                if !waiter.ready.is_closed() {
                    return Some(waiter);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(entries: &[(&str, Priority)]) -> (Queue<usize>, Vec<oneshot::Receiver<usize>>) {
        let mut queue = Queue::default();
        let receivers = entries
            .iter()
            .map(|(cluster, priority)| {
                let (ready, receiver) = oneshot::channel();
                queue.push(cluster, *priority, Waiter { ready });
                receiver
            })
            .collect();
        (queue, receivers)
    }

    /// Serves everybody and returns each one's turn, none for those who were not served.
    fn turns(mut queue: Queue<usize>, receivers: Vec<oneshot::Receiver<usize>>) -> Vec<Option<usize>> {
        let mut turn = 0;
        while let Some(waiter) = queue.pop() {
            waiter.ready.send(turn).unwrap();
            turn += 1;
        }
        receivers
            .into_iter()
            .map(|mut receiver| receiver.try_recv().ok())
            .collect()
    }

    #[test]
    fn the_more_urgent_go_first() {
        let (queue, receivers) = filled(&[
            ("a", Priority::Normal),
            ("a", Priority::Backends),
            ("a", Priority::Urgent),
        ]);
        assert_eq!(turns(queue, receivers), [Some(2), Some(1), Some(0)]);
    }

    #[test]
    fn clusters_take_turns() {
        let normal = Priority::Normal;
        let (queue, receivers) = filled(&[("a", normal), ("a", normal), ("a", normal), ("b", normal)]);
        assert_eq!(turns(queue, receivers), [Some(0), Some(2), Some(3), Some(1)]);
    }

    #[test]
    fn those_who_went_away_take_no_turn() {
        let (mut queue, mut receivers) = filled(&[("a", Priority::Normal), ("a", Priority::Normal)]);
        drop(receivers.remove(0));
        assert_eq!(queue.len(), 2);
        queue.sweep();
        assert_eq!(queue.len(), 1);
        assert_eq!(turns(queue, receivers), [Some(0)]);
    }
}
